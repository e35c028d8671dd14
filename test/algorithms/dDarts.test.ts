import { describe, expect, it } from 'vitest'
import { tinyData, tinyProtocol } from '../../src/algorithms/contract/tinyTask.ts'
import { ablationLoss, cellSigmoid, dDarts } from '../../src/algorithms/dDarts.ts'
import { sigmoidRelaxation, zeroOneLoss } from '../../src/algorithms/fairDarts.ts'
import type { Algorithm, SearchContext } from '../../src/core/algorithm.ts'
import { type Matrix, map, normalMatrix, type Relaxation } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { derived, type SearchSpace } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { darts, dartsWithoutNone } from '../../src/spaces/darts/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'

const space = dartsWithoutNone as unknown as SearchSpace
const cells = space.supernetCells?.(4) ?? []
const alpha = normalMatrix(
  cells.flat().map((edge) => space.edges[edge].operations.length),
  2,
  random(7),
)

/** Three cells of two edges; the loss is a smooth function of all mixing weights, an ablated cell has fixed ones. */
const SMALL = [0, 1, 2].map((cell) => normalMatrix([2, 3], 1, random(cell)))
const DRAWN = [0, 1, 2].map((cell) => normalMatrix([2, 3], 1, random(10 + cell)))

/** Returns Σ_k exp(Σ_c w_kc·θ_c / 4), which couples the cells, and its gradient wrt the mixing weights of each cell. */
function analyticLoss(theta: readonly Matrix[]) {
  const gradients = theta.map((cell) => map(cell, () => 0).map((row) => [...row]))
  let loss = 0
  for (let k = 0; k < 4; k++) {
    const weight = (cell: number, row: number, op: number) => Math.sin(1 + k + 5 * cell + 2 * row + op) / 4
    const sum = theta.reduce(
      (total, cell, c) =>
        total + cell.reduce((s, row, r) => s + row.reduce((t, x, o) => t + x * weight(c, r, o), 0), 0),
      0,
    )
    loss += Math.exp(sum)
    for (const [c, cell] of theta.entries()) {
      for (const [r, row] of cell.entries())
        for (const o of row.keys()) gradients[c][r][o] += Math.exp(sum) * weight(c, r, o)
    }
  }
  return { loss, cells: gradients }
}

const lossesAt = (theta: readonly Matrix[]) => {
  const without = (cell: number) => theta.map((own, at) => (at === cell ? DRAWN[cell] : own))
  return ablationLoss(
    analyticLoss(theta),
    theta.map((_, cell) => analyticLoss(without(cell))),
  )
}

describe('the ablation loss', () => {
  it('is how much less than the mean a cell contributes, relative to the mean; its sum over the cells is 0', () => {
    const { values } = ablationLoss(
      { loss: 3, cells: [[], [], []] },
      [4, 5, 6].map((loss) => ({ loss, cells: [] })) as never,
    )
    expect(values.map((value) => value + 0)).toEqual([0.5, 0, -0.5])
    expect(lossesAt(SMALL).values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 12)
  })

  it('has the gradient of central differences, wrt the mixing weights of its own cell', () => {
    const { gradients } = lossesAt(SMALL)
    for (const [cell, gradient] of gradients.entries()) {
      const moved = (row: number, op: number, by: number) =>
        lossesAt(SMALL.map((own, c) => map(own, (x, r, o) => x + (c === cell && r === row && o === op ? by : 0))))
          .values[cell]
      for (const [row, slopes] of gradient.entries()) {
        for (const [op, slope] of slopes.entries()) {
          expect(slope).toBeCloseTo((moved(row, op, 1e-5) - moved(row, op, -1e-5)) / 2e-5, 6)
        }
      }
    }
  })

  it('is 0 without a gradient if the contributions of the cells cancel', () => {
    const same = { loss: 1, cells: [[[2, 3]], [[4, 5]]] }
    expect(ablationLoss(same, [same, same])).toEqual({ values: [0, 0], gradients: [[[0, 0]], [[0, 0]]] })
  })
})

describe('the mixing weights of D-DARTS', () => {
  const relaxation = cellSigmoid(space, cells)

  it('are those of Fair-DARTS, cell by cell, and so is their gradient', () => {
    const { mixing, pullback } = relaxation.relax(alpha)
    const fair = sigmoidRelaxation.relax(alpha)
    expect(mixing.cells?.flatMap(({ theta = [] }) => theta)).toEqual(fair.mixing.theta)
    const slopes = map(alpha, (_, row, op) => Math.cos(row + 2 * op))
    const own = cells.map((_, cell) => slopes.slice(14 * cell, 14 * cell + 14))
    expect(pullback({ theta: [], edgeWeights: [], cells: own })).toEqual(
      fair.pullback({ theta: slopes, edgeWeights: [] }),
    )
  })

  it('have the zero-one loss of each cell, a mean over its own α, as their penalty', () => {
    const whole = zeroOneLoss(9 * cells.length)
    const parts = cells.map((_, cell) => zeroOneLoss(9).value(alpha.slice(14 * cell, 14 * cell + 14), 0))
    expect(whole.value(alpha, 0)).toBeCloseTo(
      parts.reduce((sum, value) => sum + value, 0),
      12,
    )
    expect(whole.gradient(alpha, 0)[14][2]).toBeCloseTo(zeroOneLoss(9).gradient(alpha.slice(14, 28), 0)[0][2], 15)
  })

  it('give the list of the cells that each cell’s weights alone would give', () => {
    const { mixing } = relaxation.relax(alpha)
    const list = darts.parse(darts.format(derived(space, mixing, 0.85) as never))
    expect(list).toMatchObject({ reductions: [1, 2] })
    for (const [cell, { edges, theta = [] }] of (mixing.cells ?? []).entries()) {
      const rows = space.edges.map(({ operations }, edge) =>
        edges.includes(edge) ? theta[edges.indexOf(edge)] : operations.map(() => 0),
      )
      const alone = dartsWithoutNone.derive(rows, undefined, 0.85)
      const type = [1, 2].includes(cell) ? 'reduce' : 'normal'
      expect('cells' in list && list.cells[cell]).toEqual('cells' in alone ? undefined : alone[type])
    }
  })
})

async function run(options: Record<string, unknown>, restart: boolean) {
  const data = tinyData(0, 2)
  const protocol = tinyProtocol(space, 2)
  const executor = await openExecutor({ backend: 'wasm' })
  const network = space.supernet({
    shape: data.shape,
    channels: 4,
    depth: 3,
    batchNorm: { affine: false, track: true },
    mixingPerCell: true,
  })
  const context = {
    ...{ space, seed: 0, protocol, data: async () => data },
    random: (...path: (string | number)[]) => random(0, ...path),
    supernet: () => createSupernet({ executor, network, edges: space.edges, batchSize: 4, stream: random(0) }),
  } as unknown as SearchContext
  const start = () => (dDarts as Algorithm).search(context, dDarts.options.parse(options))
  let search = await start()
  await search.epoch(0)
  if (restart) {
    const saved = structuredClone(await search.save())
    search.dispose()
    search = await start()
    await search.restore(saved)
  }
  const { parameters, extra } = await search.epoch(1)
  const relaxation = search.relaxed?.relaxation as Relaxation
  const genotype = space.format(search.genotype())
  search.dispose()
  return {
    parameters: parameters as Matrix,
    extra,
    genotype,
    rows: relaxation.relax(parameters as Matrix).mixing.theta.length,
  }
}

describe('d-darts', () => {
  it('answers with a cell for each position, whether interrupted or not', async () => {
    const whole = await run({}, false)
    expect(await run({}, true)).toEqual(whole)
    expect([whole.parameters.length, whole.rows]).toEqual([42, 28])
    expect(whole.genotype).toMatch(/^Genotype_nested\(genes=\[\[.*reductions=\[1, 2\]\)$/)
    expect(whole.extra?.ablationSpread).toBeGreaterThan(0)
    const plain = await run({ ablation: 0 }, false)
    expect(plain.extra?.ablationSpread).toBeUndefined()
    expect(plain.parameters).not.toEqual(whole.parameters)
  })

  it('refuses a network without a normal cell', () => {
    const protocol = { ...tinyProtocol(space, 2), network: { channels: 4, depth: 2, affine: false, track: true } }
    expect(() => dDarts.check?.({ space, protocol, network: () => ({}) } as never, dDarts.options.parse({}))).toThrow(
      'd-darts: a list of 2 cells lacks a normal or a reduction cell; set network.depth to at least 3',
    )
  })
})

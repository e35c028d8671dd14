import { describe, expect, it } from 'vitest'
import { tinyData, tinyProtocol } from '../../src/algorithms/contract/tinyTask.ts'
import { dartsV1 } from '../../src/algorithms/darts.ts'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import { harmony, lambdaDarts } from '../../src/algorithms/lambdaDarts.ts'
import type { Algorithm, SearchContext } from '../../src/core/algorithm.ts'
import { type Matrix, map, normalMatrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace, SupernetOptions } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { full } from '../support/full.ts'

const spaces = { nb201, darts } as unknown as Record<string, SearchSpace>
const depths: Readonly<Record<string, number>> = { nb201: 1, darts: 4 }
const data = tinyData(0, 6)

async function supernet(name: string, options: Partial<SupernetOptions>, executorName: 'auto' | 'tfjs' = 'auto') {
  const space = spaces[name]
  const size = { shape: data.shape, channels: 4, depth: depths[name], batchNorm: { affine: false, track: true } }
  const executor = await openExecutor({ backend: 'wasm', executor: executorName })
  const network = space.supernet({ ...size, ...options })
  return createSupernet({ executor, network, edges: space.edges, batchSize: 4, stream: random(0) })
}

const thetaOf = ({ edges }: SearchSpace, seed: number) =>
  softmaxRelaxation.relax(
    normalMatrix(
      edges.map(({ operations }) => operations.length),
      1,
      random(seed),
    ),
  ).mixing.theta

const far = (a: Matrix, b: Matrix) =>
  Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - b[i][j]))))

describe('mixing weights per cell', () => {
  it.each(['nb201', 'darts'])(
    'give the shared supernet where they are alike, and gradients that add up, on %s',
    async (name) => {
      const [shared, own] = [await supernet(name, {}), await supernet(name, { mixingPerCell: true })]
      const cells = spaces[name].supernetCells?.(depths[name]) ?? []
      const theta = thetaOf(spaces[name], 1)
      const batch = await data.weights.batch(0)
      const expected = await shared.gradient(batch, { theta }, { mode: 'probe' })
      const found = await own.gradient(batch, { theta, cells: cells.map((edges) => ({ edges })) }, { mode: 'probe' })
      expect(found.loss).toBeCloseTo(expected.loss, 6)
      expect(far(found.mixing.theta, expected.mixing.theta)).toBeLessThan(1e-5)
      expect(found.mixing.cells).toHaveLength(cells.length)
      for (const each of [shared, own]) each.dispose()
    },
  )

  it.each(full ? ['nb201', 'darts'] : ['nb201'])(
    'are those of their own cell, as a difference shows and TensorFlow.js computes, on %s',
    async (name) => {
      const [own, reference] = [
        await supernet(name, { mixingPerCell: true }),
        await supernet(name, { mixingPerCell: true }, 'tfjs'),
      ]
      reference.weights.write(await own.weights.read())
      const indices = spaces[name].supernetCells?.(depths[name]) ?? []
      const cells = indices.map((edges, cell) => {
        const theta = thetaOf(spaces[name], 10 + cell)
        return { edges, theta: edges.map((edge) => theta[edge]) }
      })
      const mixing = { theta: thetaOf(spaces[name], 1), cells }
      const batch = await data.weights.batch(0)
      const [found, expected] = [
        await own.gradient(batch, mixing, { mode: 'probe' }),
        await reference.gradient(batch, mixing, { mode: 'probe' }),
      ]
      expect(found.loss).toBeCloseTo(expected.loss, 4)
      for (const [cell, gradient] of (found.mixing.cells ?? []).entries()) {
        expect(far(gradient, expected.mixing.cells?.[cell] ?? [])).toBeLessThan(2e-3)
      }
      for (const each of [own, reference]) each.dispose()
    },
  )
})

describe('the harmony of cells', () => {
  const gradients = [0, 1, 2, 3].map((seed) => normalMatrix([3, 2], 1, random(seed)))

  it('is the mean cosine of all pairs', () => {
    const flat = gradients.map((g) => g.flat())
    const product = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0)
    const cosine = (a: number[], b: number[]) => product(a, b) / Math.sqrt(product(a, a) * product(b, b))
    const pairs = flat.flatMap((a, i) => flat.slice(i + 1).map((b) => cosine(a, b)))
    expect(harmony(gradients).value).toBeCloseTo(pairs.reduce((sum, c) => sum + c, 0) / 6, 12)
    expect(harmony([gradients[0], gradients[0]]).value).toBeCloseTo(1, 12)
  })

  it('has the gradient of central differences, orthogonal to each cell’s own', () => {
    const { directions } = harmony(gradients)
    for (const [cell, direction] of directions.entries()) {
      const moved = (edge: number, op: number, by: number) =>
        harmony(gradients.map((g, at) => map(g, (x, e, o) => x + (at === cell && e === edge && o === op ? by : 0))))
          .value
      for (const [edge, row] of direction.entries()) {
        for (const [op, slope] of row.entries()) {
          expect(slope).toBeCloseTo((moved(edge, op, 1e-5) - moved(edge, op, -1e-5)) / 2e-5, 7)
        }
      }
      const along = direction.flat().reduce((sum, value, i) => sum + value * gradients[cell].flat()[i], 0)
      expect(along).toBeCloseTo(0, 12)
    }
  })

  it('takes a cell without a gradient for orthogonal to all', () => {
    const { value, directions } = harmony([gradients[0], map(gradients[0], () => 0)])
    expect([value, ...directions[1].flat()]).toEqual([0, 0, 0, 0, 0, 0])
  })
})

async function run(algorithm: Algorithm, options: Record<string, unknown>, epochs: number) {
  const space = spaces.nb201
  const context = {
    ...{ space, seed: 0, protocol: tinyProtocol(space, epochs), data: async () => data },
    random: (...path: (string | number)[]) => random(0, ...path),
    supernet: (more = {}) => supernet('nb201', more),
  } as unknown as SearchContext
  const search = await algorithm.search(context, algorithm.options.parse(options))
  const reports = []
  for (let epoch = 0; epoch < epochs; epoch++) reports.push(await search.epoch(epoch))
  search.dispose()
  return reports
}

describe('Λ-DARTS', () => {
  it('is DARTS, up to rounding, with lambda=0', async () => {
    const [own, plain] = [await run(lambdaDarts as Algorithm, { lambda: 0 }, 2), await run(dartsV1 as Algorithm, {}, 2)]
    for (const [epoch, { parameters }] of own.entries()) {
      expect(far(parameters as Matrix, plain[epoch].parameters as Matrix)).toBeLessThan(1e-4)
    }
  })

  it('raises the harmony of the cells, λ growing from 0 to its value in the last epoch', async () => {
    const without = await run(lambdaDarts as Algorithm, { lambda: 0 }, 5)
    const aligned = await run(lambdaDarts as Algorithm, { lambda: 4 }, 5)
    expect(aligned.map(({ extra }) => extra?.lambda)).toEqual([0, 1, 2, 3, 4])
    expect(aligned[4].extra?.harmony).toBeGreaterThan((without[4].extra?.harmony as number) + 0.1)
  })

  it('refuses a network with a single normal cell', () => {
    const planned = { space: spaces.darts, protocol: tinyProtocol(spaces.darts, 2), network: () => ({}) }
    expect(() => lambdaDarts.check?.(planned as never, lambdaDarts.options.parse({}))).toThrow(
      'lambda-darts: cells are compared in pairs, and the search network has 1 normal cell; raise network.depth',
    )
  })
})

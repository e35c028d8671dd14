import { describe, expect, it } from 'vitest'
import { clippedAdam, nasp, proximal, proximalRelaxation } from '../../src/algorithms/nasp.ts'
import { type Matrix, map } from '../../src/core/mixing.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext } from './analyticSupernet.ts'

const spaces = [nb201, darts] as unknown as SearchSpace[]
const scattered = (space: SearchSpace): Matrix =>
  space.edges.map(({ operations }, e) => operations.map((_, o) => 0.5 + 0.4 * Math.sin(7 * e + 3 * o)))

describe.each(spaces)('the proximal step on $name', (space) => {
  const theta = proximal(space, scattered(space))

  it('leaves one operation on each edge that the architecture keeps, the one that is derived', () => {
    for (const row of theta) expect([0, 1]).toContain(row.reduce((sum, value) => sum + value, 0))
    expect(theta.flat().filter((value) => value === 1)).toHaveLength(space.name === 'nb201' ? 6 : 16)
  })

  it('is its own proximal step, and passes the gradient at it to α unchanged', () => {
    expect(proximal(space, theta)).toEqual(theta)
    expect(space.oneHot(space.derive(scattered(space)))).toEqual(theta)
    const gradient = map(theta, (_, e, o) => Math.cos(e + o))
    const { pullback } = proximalRelaxation(space).relax(scattered(space))
    expect(pullback({ theta: gradient, edgeWeights: [] })).toEqual(gradient)
  })
})

describe('NASP', () => {
  it('keeps every α in [0, 1], however large the steps', async () => {
    const architecture = { learningRate: 0.4, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 0 } as const
    const search = await nasp.search(analyticContext({ protocol: { architecture } }), {})
    const all: number[] = []
    for (let epoch = 0; epoch < 4; epoch++) all.push(...((await search.epoch(epoch)).parameters ?? []).flat())
    expect(Math.min(...all)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...all)).toBe(1)
  })

  it('clips after Adam’s step, not its moments', () => {
    const settings = { learningRate: 1, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 0 } as const
    const at = { settings, epoch: 0, step: 0, stream: () => undefined as never }
    const first = clippedAdam.step([[0.5, 0.5]], [[1, -2]], clippedAdam.start([[0, 0]]), at)
    expect(first.parameters).toEqual([[0, 1]])
    expect((first.state as { mean: Matrix }).mean).toEqual([[0.5, -1]])
  })

  it('trains the chosen operations alone, and computes all of them for the gradient of α', async () => {
    const context = analyticContext()
    const search = await nasp.search(context, {})
    await search.epoch(0)
    const [{ calls, mixings }] = context.networks
    for (const [i, { theta, active }] of mixings.entries()) {
      expect(theta.flat().every((value) => value === 0 || value === 1)).toBe(true)
      if (calls[i].startsWith('step')) expect(active?.flat().filter(Boolean)).toHaveLength(6)
      else expect(active).toBeUndefined()
    }
    expect(new Set(mixings.map(({ theta }) => JSON.stringify(theta))).size).toBeGreaterThan(1)
  })
})

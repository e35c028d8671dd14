import { describe, expect, it } from 'vitest'
import { fairDarts, sigmoidRelaxation, zeroOneLoss } from '../../src/algorithms/fairDarts.ts'
import { type Matrix, map } from '../../src/core/mixing.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext } from './analyticSupernet.ts'

const alpha: Matrix = [0, 1, 2].map((e) => Array.from({ length: e + 3 }, (_, o) => 2 * Math.sin(3 * e + o)))
const entries = alpha.flatMap((row, edge) => row.map((value, op) => ({ edge, op, value })))
const moved = (edge: number, op: number, by: number) => map(alpha, (a, e, o) => (e === edge && o === op ? a + by : a))

describe('the mixing weights of Fair-DARTS', () => {
  it('are the logistic function of their own parameter alone, and are differentiated as such', () => {
    const weigh = map(alpha, (_, e, o) => Math.cos(e + 2 * o))
    const value = (p: Matrix) =>
      sigmoidRelaxation
        .relax(p)
        .mixing.theta.flat()
        .reduce((s, t, i) => s + t * weigh.flat()[i], 0)
    const { mixing, pullback } = sigmoidRelaxation.relax(alpha)
    const gradient = pullback({ theta: weigh, edgeWeights: [] })
    for (const { edge, op, value: a } of entries) {
      expect(mixing.theta[edge][op]).toBeCloseTo(1 / (1 + Math.exp(-a)), 14)
      const slope = (value(moved(edge, op, 1e-5)) - value(moved(edge, op, -1e-5))) / 2e-5
      expect(gradient[edge][op]).toBeCloseTo(slope, 8)
    }
  })
})

describe('the zero-one loss', () => {
  const { value, gradient } = zeroOneLoss(10)

  it('is −w/N Σ (σ(α) − ½)²: 0 at α = 0, and −w/4 where every σ is 0 or 1', () => {
    expect(
      value(
        map(alpha, () => 0),
        0,
      ),
    ).toBeCloseTo(0, 15)
    expect(
      value(
        map(alpha, (_, e, o) => ((e + o) % 2 === 0 ? 60 : -60)),
        0,
      ),
    ).toBeCloseTo(-2.5, 12)
  })

  it('has the gradient of its value, which pushes every σ away from ½', () => {
    for (const { edge, op, value: a } of entries) {
      const slope = (value(moved(edge, op, 1e-5), 0) - value(moved(edge, op, -1e-5), 0)) / 2e-5
      expect(gradient(alpha, 0)[edge][op]).toBeCloseTo(slope, 8)
      expect(Math.sign(-gradient(alpha, 0)[edge][op])).toBe(Math.sign(a))
    }
  })
})

describe('fair-darts', () => {
  it('starts with every operation at ½, whatever the seed', async () => {
    for (const seed of [0, 1]) {
      const context = analyticContext({ seed })
      const search = await fairDarts.search(context, fairDarts.options.parse({}))
      await search.epoch(0)
      expect(new Set(context.networks[0].mixings[0].theta.flat())).toEqual(new Set([0.5]))
    }
  })

  it.each([nb201, darts] as const)('leaves out what stays below the threshold: $name', async (space) => {
    const search = async (threshold: number) => {
      const context = analyticContext({ space: space as never, protocol: { epochs: 1 } })
      const found = await fairDarts.search(context, fairDarts.options.parse({ threshold }))
      await found.epoch(0)
      return space.format(found.genotype() as never)
    }
    expect((await search(1)).replaceAll('none', '')).not.toMatch(/skip|conv|pool/)
    expect(await search(0)).toMatch(/skip|conv|pool/)
  })
})

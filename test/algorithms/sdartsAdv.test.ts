import { describe, expect, it } from 'vitest'
import { dartsV1 } from '../../src/algorithms/darts.ts'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import { sdartsAdv, worstMixing } from '../../src/algorithms/sdartsAdv.ts'
import { clampedToSimplex } from '../../src/algorithms/sdartsRs.ts'
import { type Matrix, map, normalMatrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext, analyticData, analyticSupernet, type Loss } from './analyticSupernet.ts'

const widths = nb201.edges.map(({ operations }) => operations.length)
const theta = softmaxRelaxation.relax(normalMatrix(widths, 1, random(1))).mixing.theta
const slopes = normalMatrix(widths, 1, random(2))
/** L = sign · Σ c·θ, which projected gradient ascent can only raise as long as it stays inside the box. */
const linearLoss =
  (sign: number): Loss =>
  (at, w) => ({
    loss: 100 + sign * at.flat().reduce((sum, value, i) => sum + value * slopes.flat()[i], 0),
    theta: map(slopes, (c) => sign * c),
    w: w.map(() => 0),
  })
const batch = () => analyticData(0).weights.batch(0)
const attack = { epsilon: 0.05, steps: 7, randomStart: false }

describe('the worst mixing weights', () => {
  it('raise a loss that is linear in θ, in one step without a random start', async () => {
    const supernet = analyticSupernet([0], linearLoss(1))
    const worst = await worstMixing(supernet, await batch(), theta, { ...attack, steps: 1 }, random(0))
    const loss = (at: Matrix) => linearLoss(1)(at, [0], 'weights', 0).loss
    expect(loss(worst)).toBeGreaterThan(loss(theta))
  })

  it.each([1, 4, 7])('cost a pass before, %i gradients and a pass after, in evaluation mode', async (steps) => {
    const supernet = analyticSupernet([0], linearLoss(1))
    const modes: unknown[] = []
    const watched = {
      ...supernet,
      evaluate: (b: never, m: never, mode: never) => {
        modes.push(['evaluate', mode])
        return supernet.evaluate(b, m)
      },
      gradient: (b: never, m: never, options: { mode: string }) => {
        modes.push(['gradient', options.mode])
        return supernet.gradient(b, m)
      },
    }
    await worstMixing(watched as never, await batch(), theta, { ...attack, steps }, random(0))
    const gradients = Array.from({ length: steps }, () => ['gradient', 'eval'])
    expect(modes).toEqual([['evaluate', 'eval'], ...gradients, ['evaluate', 'eval']])
  })

  it('are θ itself where the loss fell on the way', async () => {
    // A gradient that points the wrong way, so that the ascent goes down.
    const deceiving: Loss = (at, w, half, x) => ({
      ...linearLoss(1)(at, w, half, x),
      theta: map(slopes, (c) => -c),
    })
    const supernet = analyticSupernet([0], deceiving)
    expect(await worstMixing(supernet, await batch(), theta, attack, random(0))).toBe(theta)
  })

  it('stay on the simplex of every edge, however large ε is', async () => {
    for (const epsilon of [1e-3, 0.3, 5]) {
      const supernet = analyticSupernet([0], linearLoss(-1))
      const options = { epsilon, steps: 7, randomStart: true }
      const worst = await worstMixing(supernet, await batch(), theta, options, random(3))
      for (const row of worst) {
        expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12)
        expect(Math.min(...row)).toBeGreaterThanOrEqual(0)
      }
    }
  })
})

describe('mixing weights cut to the simplex', () => {
  it('are unchanged on it, and a row without a positive weight goes to its largest', () => {
    expect(clampedToSimplex([[0.2, 0.8]])).toEqual([[0.2, 0.8]])
    expect(clampedToSimplex([[-0.5, -0.1, -0.3]])).toEqual([[0, 1, 0]])
    expect(clampedToSimplex([[1.5, 0.25, -1]])).toEqual([[0.8, 0.2, 0]])
  })
})

describe('SDARTS-ADV', () => {
  it('is DARTS with ε = 0', async () => {
    const [own, plain] = [analyticContext(), analyticContext()]
    const search = await sdartsAdv.search(own, sdartsAdv.options.parse({ epsilon: 0, epsilonMin: 0 }))
    const expected = await dartsV1.search(plain, dartsV1.options.parse({}))
    for (let epoch = 0; epoch < 2; epoch++) {
      const { parameters } = await expected.epoch(epoch)
      const close = map(parameters as Matrix, (value) => expect.closeTo(value, 10) as unknown as number)
      expect((await search.epoch(epoch)).parameters).toEqual(close)
    }
  })

  it('lets ε grow linearly over the epochs, and records it', async () => {
    const search = await sdartsAdv.search(analyticContext({ protocol: { epochs: 3 } }), sdartsAdv.options.parse({}))
    const found = []
    for (let epoch = 0; epoch < 3; epoch++) found.push((await search.epoch(epoch)).extra?.epsilon)
    expect(found).toEqual([0.03, 0.12, 0.21].map((value) => expect.closeTo(value, 12)))
  })
})

import { describe, expect, it } from 'vitest'
import { drawPairs, pairedGates, proxylessNas, updatePairs } from '../../src/algorithms/proxylessNas.ts'
import type { UpdateStep } from '../../src/algorithms/shared/bilevel.ts'
import { type Matrix, map, normalMatrix, softmax } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext } from './analyticSupernet.ts'

const { edges } = nb201
const widths = edges.map(({ operations }) => operations.length)
const alpha = normalMatrix(widths, 1, random(1))

describe('the two operations of an architecture step', () => {
  it('are different, and on with their probabilities', () => {
    const row = [0.3, -0.4, 1.1]
    const on = [0, 0, 0]
    const together = [0, 0, 0]
    for (let seed = 0; seed < 4000; seed++) {
      const [pair] = drawPairs([row], random(seed))
      expect(pair.on).not.toBe(pair.off)
      expect(pair.p[0] + pair.p[1]).toBeCloseTo(1, 12)
      expect(pair.p[0] / pair.p[1]).toBeCloseTo(Math.exp(row[pair.on] - row[pair.off]), 10)
      on[pair.on]++
      together[3 - pair.on - pair.off]++
    }
    // Without replacement, the pair without i has probability p_j p_k (1/(1 − p_j) + 1/(1 − p_k)).
    const p = softmax(row)
    const pairWithout = [0, 1, 2].map((i) => {
      const [j, k] = [0, 1, 2].filter((other) => other !== i)
      return p[j] * p[k] * (1 / (1 - p[j]) + 1 / (1 - p[k]))
    })
    for (const [i, expected] of pairWithout.entries())
      expect(Math.abs(together[i] / 4000 - expected)).toBeLessThan(0.03)
    const onExpected = [0, 1, 2].map((i) =>
      [0, 1, 2].filter((j) => j !== i).reduce((sum, j) => sum + (pairWithout[3 - i - j] * p[i]) / (p[i] + p[j]), 0),
    )
    for (const [i, expected] of onExpected.entries()) expect(Math.abs(on[i] / 4000 - expected)).toBeLessThan(0.03)
  })
})

describe('the gates of an architecture step', () => {
  it('compute two operations an edge, and have the gradient of the renormalised softmax', () => {
    const relaxation = pairedGates(edges)
    const pairs = drawPairs(alpha, random(5))
    const { mixing, pullback } = relaxation.relax(alpha, random(5))
    const g = normalMatrix(widths, 1, random(6))
    const gradient = pullback({ theta: g, edgeWeights: [] })
    for (const [edge, { on, off }] of pairs.entries()) {
      expect(mixing.active?.[edge].filter(Boolean)).toHaveLength(2)
      expect(mixing.theta[edge].reduce((sum, value) => sum + value, 0)).toBe(1)
      const loss = (row: readonly number[]) => {
        const [a, b] = softmax([row[on], row[off]])
        return a * g[edge][on] + b * g[edge][off]
      }
      for (const [op, slope] of gradient[edge].entries()) {
        const moved = (by: number) => loss(alpha[edge].map((value, o) => value + (o === op ? by : 0)))
        const expected = edges[edge].operations[on] === 'none' ? 0 : (moved(1e-6) - moved(-1e-6)) / 2e-6
        expect(slope).toBeCloseTo(expected, 7)
      }
    }
  })
})

describe('ProxylessNAS’ update', () => {
  const update = updatePairs(edges)
  const paper = { learningRate: 0.3, adamBetas: [0, 0.999], epsilon: 1e-8, weightDecay: 0 } as const
  const gradientAt = (parameters: Matrix, seed: number) =>
    pairedGates(edges)
      .relax(parameters, random(seed))
      .pullback({ theta: normalMatrix(widths, 1, random(seed + 100)), edgeWeights: [] })
  const at = (settings: UpdateStep['settings'], seed: number): UpdateStep => {
    return { settings, epoch: 0, step: 0, stream: () => random(seed) }
  }

  it.each([
    ['the paper', paper],
    ['micro and of DARTS', { ...paper, adamBetas: [0.5, 0.999], weightDecay: 1e-3 } as const],
    ['momentum alone', { ...paper, adamBetas: [0.9, 0.999] } as const],
    ['clipped gradients', { ...paper, clipNorm: 0.01 }],
  ])(
    'moves only the two α of an edge, keeps their probability mass, and none where the gate is on none: Adam of %s',
    (_, settings) => {
      let [now, state] = [alpha, update.start(alpha)]
      let [moves, stays] = [0, 0]
      for (let seed = 0; seed < 40; seed++) {
        const next = update.step(now, gradientAt(now, seed), state, at(settings, seed))
        for (const [edge, { on, off }] of drawPairs(now, random(seed)).entries()) {
          const [before, after] = [now[edge], next.parameters[edge]]
          const mass = (row: readonly number[]) => softmax(row)[on] + softmax(row)[off]
          expect(mass(after)).toBeCloseTo(mass(before), 10)
          const changed = [...after.keys()].filter((op) => after[op] !== before[op]).sort()
          if (edges[edge].operations[on] === 'none') {
            expect(changed).toEqual([])
            expect(next.state[edge]).toBe(state[edge])
            stays++
          } else {
            expect(changed).toEqual([on, off].sort())
            moves++
          }
        }
        now = next.parameters
        state = next.state
      }
      expect(Math.min(moves, stays)).toBeGreaterThan(10)
    },
  )

  it('is Adam’s step on an edge that counts only the steps in which its gate was on an operation', () => {
    const isOn = (seed: number) => edges[0].operations[drawPairs(alpha, random(seed))[0].on] !== 'none'
    const seeds = Array.from({ length: 60 }, (_, seed) => seed)
    const [first, second] = seeds.filter(isOn)
    const between = seeds.filter((seed) => !isOn(seed)).slice(0, 5)
    const stateAfter = (path: readonly number[]) =>
      path.reduce(
        (state, seed) => update.step(alpha, gradientAt(alpha, seed), state, at(paper, seed)).state,
        update.start(alpha),
      )[0]
    expect(between).toHaveLength(5)
    expect(stateAfter([first, ...between, second])).toEqual(stateAfter([first, second]))
    expect(stateAfter([first, second]).steps).toBe(2)
  })
})

describe('ProxylessNAS', () => {
  const run = async (options: Record<string, unknown>, epochs: number) => {
    const context = analyticContext({ protocol: { epochs, stepOrder: 'weights-first' } })
    const search = await proxylessNas.search(context, proxylessNas.options.parse(options))
    const found: (Matrix | undefined)[] = []
    for (let epoch = 0; epoch < epochs; epoch++) found.push((await search.epoch(epoch)).parameters)
    return { parameters: found, calls: context.networks[0].calls, mixings: context.networks[0].mixings }
  }

  it('steps on α after every fifth weight step, not in the first quarter of the epochs', async () => {
    const { calls, parameters } = await run({}, 4)
    expect(calls.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'step weights'))
    expect(calls.slice(5, 11)).toEqual([...Array.from({ length: 5 }, () => 'step weights'), 'gradient architecture'])
    expect(calls.filter((call) => call === 'gradient architecture')).toHaveLength(3)
    expect(parameters[1]).not.toEqual(parameters[0])
  })

  it('trains one operation an edge in a weight step', async () => {
    const { mixings } = await run({ warmup: 2 }, 3)
    for (const { theta, active } of mixings.slice(0, 10)) {
      expect(active).toEqual(map(theta, (value) => value).map((row) => row.map((value) => value === 1)))
      expect(theta.map((row) => row.filter((value) => value === 1).length)).toEqual([1, 1, 1, 1, 1, 1])
    }
  })

  it('counts the steps on, so that epochs whose length 5 does not divide lose none', async () => {
    const { calls } = await run({ every: 2, warmup: 0 }, 2)
    expect(calls.filter((call) => call === 'gradient architecture')).toHaveLength(5)
  })

  it('refuses a warm-up that takes all epochs', () => {
    const planned = { protocol: { epochs: 4 } }
    expect(() => proxylessNas.check?.(planned as never, proxylessNas.options.parse({ warmup: 4 }))).toThrow(
      'proxylessnas: warmup=4 leaves none of the 4 epochs for the architecture; give a warm-up below that, or more epochs',
    )
  })
})

import { describe, expect, it } from 'vitest'
import {
  categorical,
  gumbelSoftmax,
  hardGumbel,
  relaxedGumbel,
} from '../../../src/algorithms/distributions/categorical.ts'
import { scoreGradient } from '../../../src/algorithms/dsnas.ts'
import { argmax, type Matrix, softmax } from '../../../src/core/mixing.ts'
import { random } from '../../../src/core/random.ts'

const alpha: Matrix = [
  [1, -0.5, 0.2],
  [0, 0.7, -1],
]
const cotangent: Matrix = [
  [1, -2, 0.5],
  [0.3, 0.1, -1],
]
const edgeWeights = [0, 0]
const inner = (a: Matrix, b: Matrix) => a.flat().reduce((sum, value, i) => sum + value * b.flat()[i], 0)

describe('a Gumbel-softmax draw', () => {
  it('lies on the simplex, and its largest entry is distributed as softmax(α) at any temperature', () => {
    const stream = random(1, 'gumbel')
    const expected = softmax(alpha[0])
    for (const tau of [0.1, 10]) {
      const counts = [0, 0, 0]
      const n = 4000
      for (let draw = 0; draw < n; draw++) {
        const [y] = gumbelSoftmax(alpha, tau, stream)
        expect(y.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12)
        counts[argmax(y)]++
      }
      counts.forEach((count, op) => {
        expect(Math.abs(count / n - expected[op])).toBeLessThan(0.025)
      })
    }
  })

  it('becomes one-hot as the temperature falls', () => {
    const sharpest = (tau: number) => Math.max(...gumbelSoftmax(alpha, tau, random(2, 'gumbel'))[0])
    expect(sharpest(0.01)).toBeGreaterThan(0.999)
    expect(sharpest(100)).toBeLessThan(0.4)
  })

  it('passes the gradient of the draw itself', () => {
    const relaxation = relaxedGumbel(0.7)
    const value = (a: Matrix) => inner(relaxation.relax(a, random(3, 'draw')).mixing.theta, cotangent)
    const gradient = relaxation.relax(alpha, random(3, 'draw')).pullback({ theta: cotangent, edgeWeights })
    for (const [edge, row] of alpha.entries()) {
      for (const op of row.keys()) {
        const moved = (by: number) => alpha.map((r, e) => r.map((a, o) => (e === edge && o === op ? a + by : a)))
        expect(gradient[edge][op]).toBeCloseTo((value(moved(1e-6)) - value(moved(-1e-6))) / 2e-6, 8)
      }
    }
  })

  it('computes one operation per edge in its hard form, with the gradient of the soft form', () => {
    const { mixing, pullback } = hardGumbel(0.7).relax(alpha, random(3, 'draw'))
    const soft = relaxedGumbel(0.7).relax(alpha, random(3, 'draw'))
    expect(mixing.theta.map(argmax)).toEqual(soft.mixing.theta.map(argmax))
    expect(mixing.theta.flat().filter((weight) => weight === 1)).toHaveLength(2)
    expect(mixing.active).toEqual(mixing.theta.map((row) => row.map(Boolean)))
    expect(pullback({ theta: cotangent, edgeWeights })).toEqual(soft.pullback({ theta: cotangent, edgeWeights }))
  })

  it('is softmax(α) without a random stream', () => {
    for (const relaxation of [relaxedGumbel(2), hardGumbel(2)]) {
      expect(relaxation.relax(alpha).mixing).toEqual({ theta: alpha.map(softmax) })
    }
  })
})

describe("DSNAS' score gradient", () => {
  it('has a gradient whose mean over draws is the gradient of the expected cost of a linear loss', () => {
    // L(Z) = Σ c·Z: E[L] = Σ c·p, whose gradient is p_o (c_o − Σ c·p).
    const [p] = alpha.map(softmax)
    const [c] = cotangent
    const mean = [0, 0, 0]
    p.forEach((probability, drawn) => {
      const z = p.map((_, op) => Number(op === drawn))
      scoreGradient([z], [p], [c])[0].forEach((value, op) => {
        mean[op] += probability * value
      })
    })
    const expected = c.reduce((sum, value, op) => sum + value * p[op], 0)
    mean.forEach((value, op) => {
      expect(value).toBeCloseTo(p[op] * (c[op] - expected), 12)
    })
  })
})

describe('a categorical draw', () => {
  it('draws each value with its probability', () => {
    const stream = random(1, 'categorical')
    const counts = [0, 0, 0]
    for (let draw = 0; draw < 10000; draw++) counts[categorical([0.2, 0, 0.8], stream)]++
    expect(counts[1]).toBe(0)
    expect(Math.abs(counts[0] / 10000 - 0.2)).toBeLessThan(0.015)
  })
})

import { describe, expect, it } from 'vitest'
import { digamma, logGamma, trigamma } from '../../../src/algorithms/distributions/dirichlet.ts'

const EULER = 0.5772156649015329

describe('gamma functions', () => {
  it('ln Γ is the logarithm of the factorial', () => {
    expect(logGamma(1)).toBeCloseTo(0, 13)
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 13)
    expect(logGamma(6)).toBeCloseTo(Math.log(120), 12)
    expect(logGamma(171)).toBeCloseTo(706.5730622457874, 9) // ln 170!
  })

  it('ψ has the closed forms of its known arguments', () => {
    expect(digamma(1)).toBeCloseTo(-EULER, 14)
    expect(digamma(0.5)).toBeCloseTo(-EULER - 2 * Math.LN2, 14)
    expect(digamma(1e-3)).toBeCloseTo(digamma(1.001) - 1e3, 10)
  })

  it('ψ′ has the closed forms of its known arguments', () => {
    expect(trigamma(1)).toBeCloseTo(Math.PI ** 2 / 6, 14)
    expect(trigamma(0.5)).toBeCloseTo(Math.PI ** 2 / 2, 14)
    expect(trigamma(2.5)).toBeCloseTo(Math.PI ** 2 / 2 - 4 - 4 / 9, 14)
  })
})

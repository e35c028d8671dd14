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

  // By mpmath with 30 digits. Near 10 every term of the asymptotic series is larger than these tolerances.
  it.each([
    [10, 12.80182748008147, 2.251752589066721, 0.10516633568168575],
    [10.5, 13.940625219403763, 2.3030010342976865, 0.09991695605912673],
    [11.25, 15.69530137706046, 2.37526576629648, 0.09295637755606444],
    [20, 39.33988418719949, 2.970523992242149, 0.05127082293520312],
  ])('all three are exact to a few roundings at %d, where their series begin', (x, ln, psi, psiPrime) => {
    expect(Math.abs(logGamma(x) / ln - 1)).toBeLessThan(2e-15)
    expect(Math.abs(digamma(x) / psi - 1)).toBeLessThan(2e-15)
    expect(Math.abs(trigamma(x) / psiPrime - 1)).toBeLessThan(2e-15)
  })
})

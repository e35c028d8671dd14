import { describe, expect, test } from 'vitest'
import {
  dominantEigenvalue,
  fullSpectrum,
  hessian,
  hessianProduct,
  lanczosSpectrum,
  symmetricEigenvalues,
} from '../../src/analysis/hessian.ts'
import { random } from '../../src/core/random.ts'

/** ∇ of ½ xᵀAx. */
const quadratic = (a: readonly (readonly number[])[]) => async (x: readonly number[]) =>
  a.map((row) => row.reduce((sum, value, j) => sum + value * x[j], 0))

/** A symmetric matrix with normal entries. */
function symmetric(size: number): number[][] {
  const stream = random(7, 'matrix')
  const entries = Array.from({ length: size }, () => Array.from({ length: size }, () => stream.normal()))
  return entries.map((row, i) => row.map((value, j) => (value + entries[j][i]) / 2))
}

describe('eigenvalues', () => {
  test('of [[2, 1], [1, 2]] are 1 and 3', () => {
    const [low, high] = symmetricEigenvalues([
      [2, 1],
      [1, 2],
    ])
    expect(low).toBeCloseTo(1, 14)
    expect(high).toBeCloseTo(3, 14)
  })
  test('of a matrix with a NaN are NaN, not an endless loop', () =>
    expect(
      symmetricEigenvalues([
        [Number.NaN, 0],
        [0, 1],
      ]),
    ).toEqual([Number.NaN, Number.NaN]))
})

describe('the Hessian by central differences', () => {
  test('of a quadratic is its matrix', async () => {
    const matrix = symmetric(6)
    const found = await hessian(quadratic(matrix), [1, -2, 3, 0, 0.5, -1])
    found.flat().forEach((value, i) => {
      expect(value).toBeCloseTo(matrix.flat()[i], 9)
    })
  })

  test('of x⁴ + xy² at (1, 2) is [[12, 4], [4, 2]], to the square of the step', async () => {
    const gradient = async ([x, y]: readonly number[]) => [4 * x ** 3 + y * y, 2 * x * y]
    const step = 1e-3
    const found = await hessian(gradient, [1, 2], step)
    const exact = [12, 4, 4, 2]
    found.flat().forEach((value, i) => {
      expect(Math.abs(value - exact[i])).toBeLessThan(5 * step ** 2)
    })
  })

  test('divides by 2h: the product scales with the direction', async () => {
    const product = hessianProduct(quadratic([[3]]), [1], 0.01)
    const [image] = await product([10])
    expect(image).toBeCloseTo(30, 9)
  })
})

describe('spectra', () => {
  const matrix = symmetric(40)
  const exact = fullSpectrum(matrix)

  test('the dominant eigenvalue is the largest, the spectral norm the largest in magnitude', () => {
    const spectrum = fullSpectrum([
      [-5, 0],
      [0, 2],
    ])
    expect(spectrum.dominantEigenvalue).toBe(2)
    expect(spectrum.spectralNorm).toBe(5)
    expect(spectrum.trace).toBe(-3)
    expect(spectrum.frobeniusNorm).toBeCloseTo(Math.sqrt(29), 14)
  })

  test('the Lanczos process finds both ends of the spectrum', async () => {
    const product = hessianProduct(
      quadratic(matrix),
      matrix.map(() => 0),
    )
    const spectrum = await lanczosSpectrum(product, 40, random(1, 'lanczos'))
    expect(spectrum.dominantEigenvalue / exact.dominantEigenvalue).toBeCloseTo(1, 3)
    expect(spectrum.smallestEigenvalue / exact.smallestEigenvalue).toBeCloseTo(1, 3)
    expect(spectrum.eigenvalues).toBeUndefined()
    expect(await dominantEigenvalue(product, 40, random(1, 'lanczos'))).toBe(spectrum.dominantEigenvalue)
  })

  test('the Lanczos process stops by itself on a matrix of rank 1', async () => {
    let products = 0
    const product = async (v: readonly number[]) => {
      products++
      const sum = v.reduce((total, value) => total + value, 0)
      return v.map(() => 2 * sum)
    }
    const spectrum = await lanczosSpectrum(product, 30, random(1, 'lanczos'), { traceSamples: 0 })
    expect(spectrum.dominantEigenvalue).toBeCloseTo(60, 8)
    expect(products).toBeLessThanOrEqual(3)
  })

  test('the estimated trace and Frobenius norm are unbiased', async () => {
    const product = hessianProduct(
      quadratic(matrix),
      matrix.map(() => 0),
    )
    const spectrum = await lanczosSpectrum(product, 40, random(2, 'lanczos'), { traceSamples: 2000 })
    expect(Math.abs(spectrum.trace - exact.trace)).toBeLessThan(3)
    expect(spectrum.frobeniusNorm / exact.frobeniusNorm).toBeCloseTo(1, 1)
  })
})

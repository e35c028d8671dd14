/**
 * Computes second derivatives from exact gradients ∇f by central differences, ∇f(x + h·v) − ∇f(x − h·v). The point x
 * and its displacement h·v are double precision, so the only noise is that of the gradient itself.
 */

import { loadMatrices } from '../core/lazyPackages.ts'
import type { RandomStream } from '../core/random.ts'

/** Returns the gradient ∇f at a point, an array as long as the point. */
export type GradientField = (point: readonly number[]) => Promise<readonly number[]>

/** Returns the product H·v of the Hessian H and a direction v. */
export type HessianProduct = (direction: readonly number[]) => Promise<readonly number[]>

export interface Spectrum {
  /**
   * Largest eigenvalue of the Hessian, with its sign: RobustDARTS' dominant eigenvalue. Not the largest in magnitude.
   */
  readonly dominantEigenvalue: number
  readonly smallestEigenvalue: number
  /** Largest absolute value of an eigenvalue of the Hessian. */
  readonly spectralNorm: number
  /** Sum of the Hessian's eigenvalues; an estimate in Lanczos mode. */
  readonly trace: number
  /** Frobenius norm of the Hessian, √(Σ eigenvalue²); an estimate in Lanczos mode. */
  readonly frobeniusNorm: number
  /** All eigenvalues of the Hessian in ascending order; absent in Lanczos mode. */
  readonly eigenvalues?: readonly number[]
}

/**
 * Default length h of the displacement in a central difference of the gradient. The truncation error grows with h², the
 * error from float32 noise with 1/h; on the reference networks both stay below 5e-4 of the dominant eigenvalue for h
 * between 3e-3 and 1e-2. The gradient must be smooth: without frozen ReLU masks, any step crosses kinks, whose jumps
 * outweigh the curvature by far.
 */
export const defaultStep = 5e-3

/**
 * Returns the function v ↦ H·v ≈ [∇f(x + h·v/‖v‖) − ∇f(x − h·v/‖v‖)] · ‖v‖ / (2h), for the point x = `at` and h =
 * `step`.
 */
export function hessianProduct(gradient: GradientField, at: readonly number[], step = defaultStep): HessianProduct {
  return async (direction) => {
    const length = norm(direction)
    const moved = (h: number) => gradient(at.map((x, i) => x + (h * direction[i]) / length))
    const [ahead, behind] = [await moved(step), await moved(-step)]
    return ahead.map((g, i) => ((g - behind[i]) * length) / (2 * step))
  }
}

/**
 * Computes the whole Hessian column by column and symmetrises it, (H + Hᵀ)/2. This takes two gradient evaluations for
 * each parameter.
 */
export async function hessian(gradient: GradientField, at: readonly number[], step?: number): Promise<number[][]> {
  const product = hessianProduct(gradient, at, step)
  const columns: (readonly number[])[] = []
  for (let i = 0; i < at.length; i++) columns.push(await product(at.map((_, j) => (i === j ? 1 : 0))))
  return columns.map((column, i) => column.map((value, j) => (value + columns[j][i]) / 2))
}

/** Computes eigenvalues, trace and norms of a symmetric matrix, such as a Hessian, from its full eigendecomposition. */
export function fullSpectrum(matrix: readonly (readonly number[])[]): Spectrum {
  const eigenvalues = symmetricEigenvalues(matrix)
  return {
    ...extremes(eigenvalues),
    trace: eigenvalues.reduce((sum, value) => sum + value, 0),
    frobeniusNorm: norm(eigenvalues),
    eigenvalues,
  }
}

export interface LanczosOptions {
  /** Largest number of Hessian-vector products for the extreme eigenvalues. */
  readonly iterations?: number
  /** The Lanczos process stops when both extreme eigenvalues change by less than this fraction of the spectral norm. */
  readonly tolerance?: number
  /** Number of random vectors from which trace and Frobenius norm are estimated. */
  readonly traceSamples?: number
}

/**
 * Computes the extreme eigenvalues of the Hessian by the Lanczos process with full reorthogonalisation, and estimates
 * trace = E[zᵀHz] and ‖H‖²_F = E‖Hz‖² over vectors z of random signs (Hutchinson 1989).
 */
export async function lanczosSpectrum(
  product: HessianProduct,
  size: number,
  stream: RandomStream,
  { iterations = 48, tolerance = 1e-4, traceSamples = 16 }: LanczosOptions = {},
): Promise<Spectrum> {
  const ritz = await lanczos(product, size, stream, Math.min(iterations, size), tolerance)
  return { ...extremes(ritz), ...(await hutchinson(product, size, stream, traceSamples)) }
}

/** Computes only the largest eigenvalue of the Hessian, by the Lanczos process. */
export async function dominantEigenvalue(
  product: HessianProduct,
  size: number,
  stream: RandomStream,
  { iterations = 48, tolerance = 1e-4 }: Omit<LanczosOptions, 'traceSamples'> = {},
): Promise<number> {
  return extremes(await lanczos(product, size, stream, Math.min(iterations, size), tolerance)).dominantEigenvalue
}

/**
 * Runs the Lanczos process and returns the Ritz values, the eigenvalues of its tridiagonal matrix, in ascending order.
 */
async function lanczos(
  product: HessianProduct,
  size: number,
  stream: RandomStream,
  iterations: number,
  tolerance: number,
): Promise<number[]> {
  const basis = [unit(Array.from({ length: size }, () => stream.normal()))]
  const diagonal: number[] = []
  const offDiagonal: number[] = []
  let ritz: number[] = []
  for (let k = 0; k < iterations; k++) {
    const image = await product(basis[k])
    diagonal.push(dot(image, basis[k]))
    const before = ritz
    ritz = symmetricEigenvalues(tridiagonal(diagonal, offDiagonal))
    const rest = orthogonalise(orthogonalise(image, basis), basis)
    const { spectralNorm } = extremes(ritz)
    if (settled(before, ritz, tolerance * spectralNorm) || norm(rest) <= 1e-7 * spectralNorm) break
    offDiagonal.push(norm(rest))
    basis.push(unit(rest))
  }
  return ritz
}

async function hutchinson(product: HessianProduct, size: number, stream: RandomStream, samples: number) {
  let [trace, square] = [0, 0]
  for (let s = 0; s < samples; s++) {
    const signs = Array.from({ length: size }, () => stream.sign())
    const image = await product(signs)
    trace += dot(signs, image) / samples
    square += dot(image, image) / samples
  }
  return { trace, frobeniusNorm: Math.sqrt(square) }
}

function extremes(ascending: readonly number[]) {
  const [smallestEigenvalue, dominantEigenvalue] = [ascending[0], ascending[ascending.length - 1]]
  const spectralNorm = Math.max(Math.abs(smallestEigenvalue), Math.abs(dominantEigenvalue))
  return { dominantEigenvalue, smallestEigenvalue, spectralNorm }
}

function settled(before: readonly number[], after: readonly number[], slack: number): boolean {
  if (before.length === 0) return false
  const [low, high] = [before[0] - after[0], after[after.length - 1] - before[before.length - 1]]
  return Math.abs(low) <= slack && Math.abs(high) <= slack
}

function tridiagonal(diagonal: readonly number[], offDiagonal: readonly number[]): number[][] {
  return diagonal.map((value, i) =>
    diagonal.map((_, j) => (i === j ? value : Math.abs(i - j) === 1 ? offDiagonal[Math.min(i, j)] : 0)),
  )
}

/** Returns the component of v orthogonal to all (orthonormal) basis vectors. */
function orthogonalise(v: readonly number[], basis: readonly (readonly number[])[]): number[] {
  return basis.reduce<number[]>(
    (rest, b) => {
      const share = dot(rest, b)
      return rest.map((value, i) => value - share * b[i])
    },
    [...v],
  )
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0)
const norm = (v: readonly number[]) => Math.sqrt(dot(v, v))
const unit = (v: readonly number[]) => {
  const length = norm(v)
  return v.map((value) => value / length)
}

/** Returns all eigenvalues of a symmetric matrix in ascending order; all NaN if an entry is not finite. */
export function symmetricEigenvalues(rows: readonly (readonly number[])[]): number[] {
  if (!rows.every((row) => row.every(Number.isFinite))) return rows.map(() => Number.NaN)
  const { EigenvalueDecomposition } = loadMatrices()
  const decomposition = new EigenvalueDecomposition(
    rows.map((row) => [...row]),
    { assumeSymmetric: true },
  )
  return [...decomposition.realEigenvalues].sort((a, b) => a - b)
}

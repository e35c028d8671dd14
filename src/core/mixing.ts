/** Architecture parameters and mixing weights on the host, and their flat form for the executor. */
import { NotFiniteError } from './numbers.ts'
import type { RandomStream } from './random.ts'

/**
 * Rows are edges, columns the candidate operations of that edge; rows may differ in length. The edges of all cell types
 * of a space stand in one matrix, in the space's order: 6 × 5 on NAS-Bench-201, 28 × 8 on DARTS (normal, then reduce).
 */
export type Matrix = readonly (readonly number[])[]

/** What a search algorithm hands to the search network at a step. */
export interface Mixing {
  /** Weight of each operation on each edge. */
  readonly theta: Matrix
  /** Weight of each edge at its node (PC-DARTS' edge normalisation); 1 where absent. */
  readonly edgeWeights?: readonly number[]
  /** Operations to compute; the others are skipped and count as zeros, with gradient 0. All where absent. */
  readonly active?: readonly (readonly boolean[])[]
}

/** The gradient wrt a mixing: same shapes. */
export interface MixingGradient {
  readonly theta: Matrix
  readonly edgeWeights: readonly number[]
}

/** Where the coefficient of (edge, op) stands in the flat vector: operations row by row, then the edges. */
export interface CoefficientLayout {
  readonly count: number
  op(edge: number, op: number): number
  edge(edge: number): number
}

/** @param widths number of operations of each edge */
export function coefficientLayout(widths: readonly number[]): CoefficientLayout {
  const starts = widths.map((_, edge) => widths.slice(0, edge).reduce((sum, width) => sum + width, 0))
  const operations = widths.reduce((sum, width) => sum + width, 0)
  return {
    count: operations + widths.length,
    op: (edge, op) => starts[edge] + op,
    edge: (edge) => operations + edge,
  }
}

/** Computes the operations of weight 1, and nothing else. @param theta of zeros and ones */
export function onlyOnes(theta: Matrix): Mixing {
  return { theta, active: theta.map((row) => row.map((weight) => weight === 1)) }
}

/** Mixing → [operations row by row, then edge weights]. */
export function flattenMixing({ theta, edgeWeights }: Mixing): Float64Array {
  return Float64Array.from([...theta.flat(), ...(edgeWeights ?? theta.map(() => 1))])
}

/** Which entries of the flat vector are to be computed; undefined where all are. */
export function flattenActive({ theta, active }: Mixing): Uint8Array | undefined {
  if (active === undefined) return undefined
  return Uint8Array.from([...active.flat().map(Number), ...theta.map(() => 1)])
}

/** The inverse of `flattenMixing`, for gradients. */
export function unflattenGradient(flat: ArrayLike<number>, shape: Matrix): MixingGradient {
  const values = Array.from(flat)
  const operations = shape.reduce((sum, row) => sum + row.length, 0)
  return { theta: reshape(values.slice(0, operations), shape), edgeWeights: values.slice(operations) }
}

/** Numbers row by row → a matrix with the row lengths of `shape`. */
export function reshape(values: readonly number[], shape: Matrix): Matrix {
  let start = 0
  return shape.map((row) => {
    start += row.length
    return values.slice(start - row.length, start)
  })
}

/** f of every entry. */
export function map(matrix: Matrix, f: (value: number, edge: number, op: number) => number): Matrix {
  return matrix.map((row, edge) => row.map((value, op) => f(value, edge, op)))
}

/** f of every pair of entries of two matrices of the same shape. */
export function zip(a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix {
  return a.map((row, edge) => row.map((value, op) => f(value, b[edge][op])))
}

/** scale·N(0, 1) in the given shape: how every method of the field starts its architecture parameters. */
export function normalMatrix(widths: readonly number[], scale: number, stream: RandomStream): Matrix {
  return widths.map((width) => Array.from({ length: width }, () => scale * stream.normal()))
}

/** exp(x_i) / Σ_j exp(x_j), computed without overflow. */
export function softmax(row: readonly number[]): number[] {
  const largest = Math.max(...row)
  const exponentials = row.map((value) => Math.exp(value - largest))
  const total = exponentials.reduce((sum, value) => sum + value, 0)
  return exponentials.map((value) => value / total)
}

/** Through the softmax, from ∂L/∂θ to ∂L/∂α: θ_i (g_i − Σ_j θ_j g_j). */
export function softmaxGradient(theta: readonly number[], gradTheta: readonly number[]): number[] {
  const mean = theta.reduce((sum, value, i) => sum + value * gradTheta[i], 0)
  return theta.map((value, i) => value * (gradTheta[i] - mean))
}

/** Index of the largest entry; the lowest of equals. @throws NotFiniteError where an entry is NaN, which is no order */
export function argmax(row: readonly number[]): number {
  if (row.some(Number.isNaN)) throw new NotFiniteError('a number to choose the largest by', Number.NaN)
  return row.reduce((best, value, i) => (value > row[best] ? i : best), 0)
}

export interface Relaxed {
  readonly mixing: Mixing
  /** ∂L/∂mixing → ∂L/∂parameters, through this very draw. */
  pullback(gradient: MixingGradient): Matrix
}

/**
 * Architecture parameters are a matrix of free numbers: the operation parameters alpha, one row an edge; methods with
 * more (PC-DARTS' edge parameters, one row a node) append rows.
 */
export interface Relaxation {
  /** True where `relax` draws random numbers (Dirichlet, Gumbel). */
  readonly stochastic: boolean
  /** @param stream absent: the deterministic form (softmax, Dirichlet mean) that derivation and probes use */
  relax(parameters: Matrix, stream?: RandomStream): Relaxed
}

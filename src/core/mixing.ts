/**
 * Architecture parameters α and mixing weights θ as matrices, the flat vector of mixing coefficients that an executor
 * takes, and the contract of a relaxation, which maps α to θ.
 */
import { NotFiniteError } from './numbers.ts'
import type { RandomStream } from './random.ts'

/**
 * A matrix with one row per edge and one column per candidate operation of that edge; rows may differ in length. All
 * cell types of a space share one matrix, in the space's order: 6 × 5 on NAS-Bench-201, 28 × 8 on DARTS (normal, then
 * reduce).
 */
export type Matrix = readonly (readonly number[])[]

/** The mixing weights under which a search network computes one step. */
export interface Mixing {
  /** Mixing weight θ of each candidate operation on each edge. */
  readonly theta: Matrix
  /** The cells of a supernet with `mixingPerCell`, which may have mixing weights of their own; absent in others. */
  readonly cells?: readonly CellMixing[]
  /** Weight of each edge in the sum of its target node (edge normalisation of PC-DARTS); absent: all 1. */
  readonly edgeWeights?: readonly number[]
  /**
   * Whether each operation on each edge is computed; the others are skipped and give output 0 and gradient 0. Absent:
   * all are computed.
   */
  readonly active?: readonly (readonly boolean[])[]
  /**
   * Weight β of the auxiliary skip connection that every edge of a supernet with `auxiliarySkip` has (DARTS-); absent
   * in other supernets.
   */
  readonly auxiliary?: number
}

/** The mixing weights of one cell of a supernet. */
export interface CellMixing {
  /** Indices of the cell's edges in the space. */
  readonly edges: readonly number[]
  /** Mixing weights of the cell, one row for each of `edges`; absent: those that the cells share. */
  readonly theta?: Matrix
}

/** Gradient of the loss with respect to the mixing weights, in the same shapes as `Mixing`. */
export interface MixingGradient {
  /** Gradient with respect to the mixing weights that the cells share: the sum over the cells. */
  readonly theta: Matrix
  readonly edgeWeights: readonly number[]
  /** Gradient with respect to the mixing weights of each cell, if the supernet has `mixingPerCell`. */
  readonly cells?: readonly Matrix[]
}

/**
 * Position of each mixing weight in the flat vector of mixing coefficients: θ row by row, then one weight per edge. In
 * supernets with auxiliary skip connections, one more coefficient per edge follows. In supernets with `mixingPerCell`,
 * the edges of all cells are counted, one cell after the other.
 */
export interface CoefficientLayout {
  /** Number of coefficients without those of auxiliary skip connections. */
  readonly count: number
  op(edge: number, op: number): number
  edge(edge: number): number
  /** Returns the position of the coefficient of an edge's auxiliary skip connection. */
  auxiliary(edge: number): number
}

/** Returns the position of each mixing weight in the flat vector. @param widths number of operations of each edge */
export function coefficientLayout(widths: readonly number[]): CoefficientLayout {
  const starts = widths.map((_, edge) => widths.slice(0, edge).reduce((sum, width) => sum + width, 0))
  const operations = widths.reduce((sum, width) => sum + width, 0)
  return {
    count: operations + widths.length,
    op: (edge, op) => starts[edge] + op,
    edge: (edge) => operations + edge,
    auxiliary: (edge) => operations + widths.length + edge,
  }
}

/**
 * Returns mixing weights under which only the operations with weight 1 are computed. @param theta matrix of zeros and
 * ones
 */
export function onlyOnes(theta: Matrix): Mixing {
  return { theta, active: theta.map((row) => row.map((weight) => weight === 1)) }
}

/** Returns the rows of mixing weights in the order of the mixing coefficients. */
const thetaRows = ({ theta, cells }: Pick<Mixing, 'theta' | 'cells'>): Matrix =>
  cells === undefined ? theta : cells.flatMap((cell) => cell.theta ?? cell.edges.map((edge) => theta[edge]))

/**
 * Returns `rows`, one for each edge of the space, in the order of the mixing coefficients: unchanged; or, if each cell
 * has mixing weights of its own, the rows of the first cell's edges, then those of the second cell's edges, and so on.
 */
const rowsOf = <Row>(rows: readonly Row[], cells: Mixing['cells']): readonly Row[] =>
  cells === undefined ? rows : cells.flatMap(({ edges }) => edges.map((edge) => rows[edge]))

/**
 * Flattens mixing weights to the vector of mixing coefficients: θ row by row, then the edge weights, then the weight of
 * each edge's auxiliary skip connection if there is one.
 */
export function flattenMixing({ theta, edgeWeights, auxiliary, cells }: Mixing): Float64Array {
  const rows = thetaRows({ theta, cells })
  const weights = edgeWeights === undefined ? rows.map(() => 1) : rowsOf(edgeWeights, cells)
  const skips = auxiliary === undefined ? [] : rows.map(() => auxiliary)
  return Float64Array.from([...rows.flat(), ...weights, ...skips])
}

/**
 * Flattens the mask of computed operations: 1 where an entry is computed, else 0. Returns undefined if all are
 * computed.
 */
export function flattenActive({ active, auxiliary, cells }: Mixing): Uint8Array | undefined {
  if (active === undefined) return undefined
  const rows = rowsOf(active, cells)
  const skips = auxiliary === undefined ? [] : rows.map(() => 1)
  return Uint8Array.from([...rows.flat().map(Number), ...rows.map(() => 1), ...skips])
}

/**
 * Reshapes the flat gradient with respect to the mixing coefficients to matrices; the coefficients of auxiliary skip
 * connections are left out. @param mixing the mixing weights at which the gradient was computed
 */
export function unflattenGradient(flat: ArrayLike<number>, { theta, cells }: Mixing): MixingGradient {
  const values = Array.from(flat)
  const rows = thetaRows({ theta, cells })
  const operations = rows.reduce((sum, row) => sum + row.length, 0)
  const gradient = reshape(values.slice(0, operations), rows)
  const edgeWeights = values.slice(operations, operations + rows.length)
  if (cells === undefined) return { theta: gradient, edgeWeights }
  const begins = cells.map((_, cell) => cells.slice(0, cell).reduce((sum, { edges }) => sum + edges.length, 0))
  const total = theta.map((row) => row.map(() => 0))
  const weights = theta.map(() => 0)
  for (const [cell, { edges }] of cells.entries()) {
    for (const [at, edge] of edges.entries()) {
      const row = begins[cell] + at
      weights[edge] += edgeWeights[row]
      for (const [op, value] of gradient[row].entries()) total[edge][op] += value
    }
  }
  const own = cells.map(({ edges }, cell) => gradient.slice(begins[cell], begins[cell] + edges.length))
  return { theta: total, edgeWeights: weights, cells: own }
}

/** Cuts a flat list into rows as long as the rows of `shape`. */
export function reshape(values: readonly number[], shape: Matrix): Matrix {
  let start = 0
  return shape.map((row) => {
    start += row.length
    return values.slice(start - row.length, start)
  })
}

/** Applies f to every entry of a matrix. */
export function map(matrix: Matrix, f: (value: number, edge: number, op: number) => number): Matrix {
  return matrix.map((row, edge) => row.map((value, op) => f(value, edge, op)))
}

/** Applies f to corresponding entries of two matrices of the same shape. */
export function zip(a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix {
  return a.map((row, edge) => row.map((value, op) => f(value, b[edge][op])))
}

/** Draws a matrix with entries scale·N(0, 1), the usual initialisation of α. @param widths row lengths */
export function normalMatrix(widths: readonly number[], scale: number, stream: RandomStream): Matrix {
  return widths.map((width) => Array.from({ length: width }, () => scale * stream.normal()))
}

/** Computes softmax: exp(x_i) / Σ_j exp(x_j), without overflow. */
export function softmax(row: readonly number[]): number[] {
  const largest = Math.max(...row)
  const exponentials = row.map((value) => Math.exp(value - largest))
  const total = exponentials.reduce((sum, value) => sum + value, 0)
  return exponentials.map((value) => value / total)
}

/** Backward pass of θ = softmax(α): returns ∂L/∂α_i = θ_i (g_i − Σ_j θ_j g_j) for g = ∂L/∂θ. */
export function softmaxGradient(theta: readonly number[], gradTheta: readonly number[]): number[] {
  const mean = theta.reduce((sum, value, i) => sum + value * gradTheta[i], 0)
  return theta.map((value, i) => value * (gradTheta[i] - mean))
}

/** Returns the index of the largest entry, the lowest index for ties. @throws NotFiniteError if an entry is NaN */
export function argmax(row: readonly number[]): number {
  if (row.some(Number.isNaN)) throw new NotFiniteError('a number to choose the largest by', Number.NaN)
  return row.reduce((best, value, i) => (value > row[best] ? i : best), 0)
}

/** Mixing weights that a relaxation computed from architecture parameters, with the backward pass to these. */
export interface Relaxed {
  readonly mixing: Mixing
  /** Backward pass of the relaxation: returns ∂L/∂α for ∂L/∂θ, with the random numbers that gave θ held fixed. */
  pullback(gradient: MixingGradient): Matrix
}

/**
 * A differentiable map from architecture parameters to mixing weights. The parameters are a matrix of real numbers with
 * one row per edge. Methods with further parameters append rows: PC-DARTS has one row of edge weights for each node of
 * a cell.
 */
export interface Relaxation {
  /** Whether `relax` draws random numbers (Dirichlet, Gumbel) if it is given a stream. */
  readonly stochastic: boolean
  /**
   * Computes mixing weights from architecture parameters.
   * @param stream random numbers for the draw; absent: the deterministic form (softmax, Dirichlet mean), from which the
   * architecture is derived
   */
  relax(parameters: Matrix, stream?: RandomStream): Relaxed
}

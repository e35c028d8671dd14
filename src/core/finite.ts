/**
 * Numbers that must be finite. NaN and infinities make comparisons false and sums meaningless, so the first one ends the
 * search or the training that made it, instead of its answer being counted.
 */
import { inspect } from 'node:util'
import { BenchError } from './errors.ts'

/** A number that is not finite, in words: `the training loss is NaN, not a finite number`. */
export class NotFiniteError extends BenchError {
  /** Told apart by this, not by its class: a plugin may bring its own copy of the package. */
  readonly notFinite = true

  constructor(quantity: string, value: unknown) {
    super('failed', `${quantity} is ${inspect(value)}, not a finite number`)
  }
}

/** The number itself. @throws NotFiniteError naming the quantity */
export function requireFinite(value: number, quantity: string): number {
  if (Number.isFinite(value)) return value
  throw new NotFiniteError(quantity, value)
}

/** The numbers themselves. @throws NotFiniteError naming the quantity and the first value that is not finite */
export function requireAllFinite<Values extends ArrayLike<number>>(values: Values, quantity: string): Values {
  for (let i = 0; i < values.length; i++) {
    if (!(Math.abs(values[i]) < Number.POSITIVE_INFINITY)) throw new NotFiniteError(quantity, values[i])
  }
  return values
}

/**
 * The same data. Numbers are looked for in arrays and plain objects at any depth; other values are not looked at.
 * @param path names the data in the message, as `probe hessian`
 * @throws NotFiniteError naming the path to the number, as `probe hessian.eigenvalues[3]`
 */
export function requireFiniteNumbers<Data>(data: Data, path: string): Data {
  if (typeof data === 'number') requireFinite(data, path)
  if (typeof data !== 'object' || data === null) return data
  for (const [key, value] of Object.entries(data)) {
    requireFiniteNumbers(value, Array.isArray(data) ? `${path}[${key}]` : `${path}.${key}`)
  }
  return data
}

/**
 * An error to throw in place of this one: one about a number that is not finite also says in which epoch it appeared.
 * @param epoch 0-based; the message counts from 1, as progress does
 * @param training names the training where the message stands alone, as `seed 777 of ARCH`
 */
export function withEpoch(error: unknown, epoch: number, epochs: number, training?: string): unknown {
  if (!(error instanceof Error && 'notFinite' in error)) return error
  const remedy = 'where the training diverged, lower the learning rate or the largest gradient norm (clipNorm)'
  const where = training === undefined ? '' : `${training}, `
  const message = `${where}epoch ${epoch + 1} of ${epochs}: ${error.message}; ${remedy}`
  return new BenchError('failed', message, { cause: error })
}

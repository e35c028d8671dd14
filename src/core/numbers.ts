/**
 * Arithmetic that every result depends on: checks that numbers are finite, and a power function with the same bits in
 * every version of Node. A search or training ends at its first NaN or infinity instead of reporting an answer.
 */
import { inspect } from 'node:util'
import { BenchError } from './errors.ts'

/** The error for a number that is not finite; its message reads `the training loss is NaN, not a finite number`. */
export class NotFiniteError extends BenchError {
  /** Identifies the error without `instanceof`, which fails if a plugin brings its own copy of this package. */
  readonly notFinite = true

  constructor(quantity: string, value: unknown) {
    super('failed', `${quantity} is ${inspect(value)}, not a finite number`)
  }
}

/** Returns the number unchanged. @throws NotFiniteError that names the quantity if the number is not finite */
export function requireFinite(value: number, quantity: string): number {
  if (Number.isFinite(value)) return value
  throw new NotFiniteError(quantity, value)
}

/**
 * Returns the numbers unchanged.
 * @throws NotFiniteError that names the quantity and the first value that is not finite
 */
export function requireAllFinite<Values extends ArrayLike<number>>(values: Values, quantity: string): Values {
  for (let i = 0; i < values.length; i++) {
    if (!(Math.abs(values[i]) < Number.POSITIVE_INFINITY)) throw new NotFiniteError(quantity, values[i])
  }
  return values
}

/**
 * Returns the data unchanged after checking every number in its arrays and plain objects, at any depth.
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
 * Returns the error to throw in place of this one: if it is a NotFiniteError, its message also says in which epoch the
 * number appeared; other errors are unchanged.
 * @param epoch 0-based; the message counts from 1, as progress does
 * @param training names the training if the message does not appear with its run, such as `seed 777 of ARCH`
 */
export function withEpoch(error: unknown, epoch: number, epochs: number, training?: string): unknown {
  if (!(error instanceof Error && 'notFinite' in error)) return error
  const remedy = 'where the training diverged, lower the learning rate or the largest gradient norm (clipNorm)'
  const where = training === undefined ? '' : `${training}, `
  const message = `${where}epoch ${epoch + 1} of ${epochs}: ${error.message}; ${remedy}`
  return new BenchError('failed', message, { cause: error })
}

/** Returns base^exponent by repeated squaring. @param exponent a whole number of at least 0 */
export function integerPower(base: number, exponent: number): number {
  let power = 1
  let square = base
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power *= square
    square *= square
  }
  return power
}

/** Returns base^exponent for a base above 0 and any exponent. */
export const positivePower = (base: number, exponent: number): number => Math.exp(exponent * Math.log(base))

/** Returns a number rounded to six significant digits, for records that only figures read. */
export const sixDigits = (value: number): number => Number(value.toPrecision(6))

/**
 * Returns the smallest and the largest of some numbers; NaN if one of them is NaN, infinities if there are none. Unlike
 * `Math.min(...values)`, which fails from about 120,000 arguments on, it takes any number of values.
 */
export function extent(values: Iterable<number>): [least: number, greatest: number] {
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    least = Math.min(least, value)
    greatest = Math.max(greatest, value)
  }
  return [least, greatest]
}

/**
 * Defines the names of a lookup table's columns. A column of accuracies is named by dataset, split, epochs and seed:
 * `cifar10/ori-test/200/mean`. Other columns start with the quantity and a colon: `loss:cifar10/ori-test/200/777`,
 * `train-seconds:cifar10/200`, `latency:pixel3`. Properties of the architecture alone have no colon: `params-M`,
 * `unique`.
 */

const QUALIFIER = /^([^/:]+\/[^/:]+\/\d+)\/(\d+|mean)$/
const MEAN_OF = /^([^/:]+\/[^/:]+\/\d+)\/mean\((\d+(?:,\d+)*)\)$/
const TRAIN_TIME = /^([^/:]+)\/train-time-s\/(\d+)$/
const QUANTITY = /^[A-Za-z][\w-]*(:[^:]+)?$/
const TEXTS = new Set(['unique'])

/** The kind of table column that a column of an imported CSV or Parquet file becomes. */
export type ColumnRole =
  | { readonly kind: 'index' }
  | { readonly kind: 'arch' }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'text'; readonly name: string }
  | { readonly kind: 'number'; readonly name: string; readonly seeds?: readonly number[] }

/** Returns whether a column with this name contains accuracies, as `cifar10/ori-test/200/mean` does. */
export const isAccuracy = (name: string): boolean => QUALIFIER.test(name)
/** Returns whether a column with this name contains seconds: of training, of evaluation, or of one batch (latency). */
export const isSeconds = (name: string): boolean => /^(train|eval|latency)-seconds:/.test(name)
/**
 * Returns whether a column with this name contains millions of parameters (`params-M`) or of multiply-accumulates
 * (`flops-M`).
 */
export const isSize = (name: string): boolean => /^(params|flops)-M(:|$)/.test(name)

/**
 * Returns what a column of an imported CSV or Parquet file becomes in the table, by its name: a table's column name, or
 * one of the older forms `…/mean(111,777)` and `…/train-time-s/…`. Undefined for any other name.
 */
export function roleOf(name: string): ColumnRole | undefined {
  if (name === 'index' || name === 'arch') return { kind: name }
  if (TEXTS.has(name)) return { kind: 'text', name }
  if (QUALIFIER.test(name) || QUANTITY.test(name)) return { kind: 'number', name }
  const mean = MEAN_OF.exec(name)
  if (mean !== null) return { kind: 'number', name: `${mean[1]}/mean`, seeds: mean[2].split(',').map(Number) }
  const time = TRAIN_TIME.exec(name)
  if (time !== null) return { kind: 'number', name: `train-seconds:${time[1]}/${time[2]}` }
  return undefined
}

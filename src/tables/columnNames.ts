/**
 * The names of a table's columns. Accuracies are named by their qualifier, `cifar10/ori-test/200/mean`; every other
 * quantity stands before a colon: `loss:cifar10/ori-test/200/777`, `train-seconds:cifar10/200`, `latency:pixel3`; what
 * belongs to the architecture alone has no colon: `params-M`, `flops-M`, `unique`.
 */

const QUALIFIER = /^([^/:]+\/[^/:]+\/\d+)\/(\d+|mean)$/
const MEAN_OF = /^([^/:]+\/[^/:]+\/\d+)\/mean\((\d+(?:,\d+)*)\)$/
const TRAIN_TIME = /^([^/:]+)\/train-time-s\/(\d+)$/
const QUANTITY = /^[A-Za-z][\w-]*(:[^:]+)?$/
const TEXTS = new Set(['unique'])

/** What becomes of a source's column. */
export type ColumnRole =
  | { readonly kind: 'index' }
  | { readonly kind: 'arch' }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'text'; readonly name: string }
  | { readonly kind: 'number'; readonly name: string; readonly seeds?: readonly number[] }

export const isAccuracy = (name: string): boolean => QUALIFIER.test(name)
/** What takes time; nothing takes none. */
export const isSeconds = (name: string): boolean => /^(train|eval|latency)-seconds:/.test(name)
/** Parameters and multiply-accumulates. */
export const isSize = (name: string): boolean => /^(params|flops)-M(:|$)/.test(name)

/** Role of a column that carries one of the above names, or the flat files' `…/mean(111,777)` and `…/train-time-s/…`. */
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

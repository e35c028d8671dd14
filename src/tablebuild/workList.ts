/** Which trainings make up a table, and in which order they are done. */
import { BenchError } from '../core/errors.ts'
import { random } from '../core/random.ts'
import type { Sharing } from './sharing.ts'

export interface TrainingTask {
  /** Of the architecture that is trained. */
  readonly index: number
  readonly seed: number
}

/** Part `number` of `of` equal parts, counted from 1. */
export interface Shard {
  readonly number: number
  readonly of: number
}

export interface WorkRequest {
  readonly sharing: Sharing
  readonly seeds: readonly number[]
  readonly shard: Shard
  /** Only what serves these architectures; absent: all. */
  readonly indices?: readonly number[]
}

/**
 * The first seed of all architectures, then the second, and so on; architectures in a fixed random order, so that a table
 * cut short is a fair sample of its space.
 * @throws BenchError `bad-input` for an index that the space does not have
 */
export function workList({ sharing, seeds, shard, indices }: WorkRequest): TrainingTask[] {
  const wanted = indices && new Set(indices.map((index) => checked(index, sharing)))
  const { trained } = sharing
  const order = Array.from(random(0, 'table', 'order').permutation(trained.length), (place) => trained[place])
  const own = order.filter((_, place) => place % shard.of === shard.number - 1)
  const chosen = wanted === undefined ? own : own.filter((index) => wanted.has(index))
  return seeds.flatMap((seed) => chosen.map((index) => ({ index, seed })))
}

/** @throws BenchError `bad-input` */
function checked(index: number, { servedBy, count }: Sharing): number {
  if (index >= 0 && index < count) return servedBy(index)
  throw new BenchError('bad-input', `there is no architecture ${index}; the space has 0 to ${count - 1}`)
}

/** `2/4`. @throws BenchError `bad-input` */
export function parseShard(text: string): Shard {
  const [number, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).slice(1).map(Number)
  if (number >= 1 && number <= of) return { number, of }
  throw new BenchError('bad-input', `shard "${text}" is not part/parts, as in 1/4`)
}

export const shardName = ({ number, of }: Shard): string => `part-${number}-of-${of}`

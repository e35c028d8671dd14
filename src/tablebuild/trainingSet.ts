/** All trainings that a table is made of, by architecture and seed. */
import { BenchError } from '../core/errors.ts'
import { random } from '../core/random.ts'
import type { Sharing } from './sharing.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'

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

/** What a table keeps of a training. */
export type TableTraining = Pick<TrainedArchitecture, 'seed' | 'accuraciesPct' | 'seconds'>

/** One training, of the architecture that was trained itself. */
export interface TrainingRecord<T extends TableTraining = TableTraining> {
  readonly index: number
  readonly trained: T
}

export class TrainingSet {
  readonly #trainings = new Map<number, Map<number, TableTraining>>()

  /**
   * The first of two trainings of one architecture and seed is kept.
   * @throws BenchError `bad-input` where the second came to other accuracies: one of them was made otherwise
   */
  add({ index, trained: training }: TrainingRecord): void {
    const ofIndex = this.#trainings.get(index) ?? new Map<number, TableTraining>()
    const known = ofIndex.get(training.seed)
    if (known !== undefined) checkEqual(index, known, training)
    else ofIndex.set(training.seed, training)
    this.#trainings.set(index, ofIndex)
  }

  has({ index, seed }: TrainingTask): boolean {
    return this.#trainings.get(index)?.has(seed) ?? false
  }

  /** Seeds ascending; none where the architecture was not trained. */
  of(index: number): readonly TableTraining[] {
    return [...(this.#trainings.get(index)?.values() ?? [])].sort((a, b) => a.seed - b.seed)
  }

  get count(): number {
    return [...this.#trainings.values()].reduce((sum, ofIndex) => sum + ofIndex.size, 0)
  }

  /** Every seed of any training, ascending. */
  get seeds(): readonly number[] {
    const seeds = new Set([...this.#trainings.values()].flatMap((ofIndex) => [...ofIndex.keys()]))
    return [...seeds].sort((a, b) => a - b)
  }
}

function checkEqual(index: number, a: TableTraining, b: TableTraining): void {
  if (JSON.stringify(a.accuraciesPct) === JSON.stringify(b.accuraciesPct)) return
  const accuracies = [a, b].map(({ accuraciesPct }) => `${accuraciesPct['x-test']} %`).join(' and ')
  throw new BenchError('bad-input', `two trainings of architecture ${index}, seed ${a.seed}, disagree: ${accuracies}`)
}

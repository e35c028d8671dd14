/**
 * Keeps track of the trainings of a table build: which architectures share one because they define the same network, in
 * which order trainings are done, and which are finished.
 */
import { BenchError } from '../core/errors.ts'
import { random } from '../core/random.ts'
import type { Genotype, Numbering, SearchSpace } from '../core/space.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'

/** Which architectures of a search space a table build trains, and whose training each of the others shares. */
export interface Sharing {
  /** Number of architectures in the search space. */
  readonly count: number
  /** Indices of the architectures that are trained, ascending; the others share the training of one of these. */
  readonly trained: readonly number[]
  /**
   * Returns the index of the architecture whose training is used for the architecture with this index; the index itself
   * if it is trained.
   */
  servedBy(index: number): number
}

/**
 * Returns the numbering (index ↔ genotype) of a search space's architectures.
 * @throws BenchError `unsupported` if the space has none
 */
export function numberingOf<G extends Genotype>({ name, numbering }: SearchSpace<G>): Numbering<G> {
  if (numbering !== undefined) return numbering
  throw new BenchError('unsupported', `space ${name} has too many architectures for a table of them all; try nb201`)
}

/**
 * Returns which architectures of a search space share a training.
 * @param share false: none do. True: those that define the same network, if the search space can tell which ones do
 */
export function sharing<G extends Genotype>(space: SearchSpace<G>, { share }: { readonly share: boolean }): Sharing {
  if (!share || space.trainingKey === undefined) return noSharing(space)
  const known = sharings.get(space) ?? byTrainingKey(space, space.trainingKey)
  sharings.set(space, known)
  return known
}

/**
 * Returns the architecture that is trained in place of this one because it defines the same network, or this one
 * itself.
 */
export function representative<G extends Genotype>(
  space: SearchSpace<G>,
  genotype: G,
  recipe: { readonly share: boolean },
): G {
  const { indexOf, at } = numberingOf(space)
  return at(sharing(space, recipe).servedBy(indexOf(genotype)))
}

function noSharing<G extends Genotype>(space: SearchSpace<G>): Sharing {
  const { count } = numberingOf(space)
  return { count, trained: Array.from({ length: count }, (_, index) => index), servedBy: (index) => index }
}

/** Cached results of `sharing` by search space, since comparing all architectures of a space takes about a second. */
const sharings = new WeakMap<object, Sharing>()

function byTrainingKey<G extends Genotype>(space: SearchSpace<G>, trainingKey: (genotype: G) => string): Sharing {
  const { count, at } = numberingOf(space)
  const first = new Map<string, number>()
  const servedBy = Int32Array.from({ length: count }, (_, index) => {
    const name = trainingKey(at(index))
    const known = first.get(name) ?? index
    first.set(name, known)
    return known
  })
  return { count, trained: [...first.values()], servedBy: (index) => servedBy[index] }
}

/** One training that a table build has to do: an architecture and a training seed. */
export interface TrainingTask {
  /** Index of the architecture to train. */
  readonly index: number
  readonly seed: number
}

/** One of `of` equal parts (shards) of all trainings of a table build; `number` counts from 1. */
export interface Shard {
  readonly number: number
  readonly of: number
}

export interface WorkRequest {
  readonly sharing: Sharing
  readonly seeds: readonly number[]
  readonly shard: Shard
  /** Indices of the architectures that the table build needs; absent: all architectures of the search space. */
  readonly indices?: readonly number[]
}

/**
 * Returns the trainings of a shard in the order in which they are done: all architectures with the first training seed,
 * then with the second, and so on. Architectures come in a fixed random order, so that an incomplete table is a random
 * sample of its search space.
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

/**
 * Returns the index of the architecture that is trained for the architecture with this index.
 * @throws BenchError `bad-input` for an index that the search space does not have
 */
function checked(index: number, { servedBy, count }: Sharing): number {
  if (index >= 0 && index < count) return servedBy(index)
  throw new BenchError('bad-input', `there is no architecture ${index}; the space has 0 to ${count - 1}`)
}

/** Parses a shard of a table build, such as `2/4`. @throws BenchError `bad-input` */
export function parseShard(text: string): Shard {
  const [number, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).slice(1).map(Number)
  if (number >= 1 && number <= of) return { number, of }
  throw new BenchError('bad-input', `shard "${text}" is not part/parts, as in 1/4`)
}

/** Returns the name of a shard's journal file, without the ending. */
export const shardName = ({ number, of }: Shard): string => `part-${number}-of-${of}`

/** The part of a training's result that a built table contains. */
export type TableTraining = Pick<TrainedArchitecture, 'seed' | 'accuraciesPct' | 'seconds'>

/** One finished training of a table build, with the index of the architecture that was trained. */
export interface TrainingRecord<T extends TableTraining = TableTraining> {
  readonly index: number
  readonly trained: T
}

/** The finished trainings of a table build, by architecture and training seed. */
export class TrainingSet {
  readonly #trainings = new Map<number, Map<number, TableTraining>>()

  /**
   * Adds a finished training. Of two trainings of the same architecture with the same seed, the first is kept.
   * @throws BenchError `bad-input` if the second has other accuracies
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

  /** Returns the finished trainings of an architecture by ascending seed; an empty list if there are none. */
  of(index: number): readonly TableTraining[] {
    return [...(this.#trainings.get(index)?.values() ?? [])].sort((a, b) => a.seed - b.seed)
  }

  /** Number of finished trainings of the table build. */
  get count(): number {
    return [...this.#trainings.values()].reduce((sum, ofIndex) => sum + ofIndex.size, 0)
  }

  /** All training seeds of the table build's finished trainings, ascending. */
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

/** All trainings that a table is made of, by architecture and seed. */
import { BenchError } from '../core/errors.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'
import type { TrainingTask } from './workList.ts'

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

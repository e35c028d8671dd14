/** The worker process of `bench tables build`: trains one architecture an order. */
import { openDataset } from '../data/openDataset.ts'
import { builtinSpace } from '../spaces/index.ts'
import { imageSizeOf, type Recipe } from '../tables/recipe.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'
import { openTrainer, type Trainer } from './trainers.ts'
import type { TrainingTask } from './trainingSet.ts'

export interface WorkerSetting {
  readonly recipe: Recipe
  /** Folder of the images; absent: the user's data folder, or the built-in set. */
  readonly data?: string
}

export interface WorkerOrder {
  /** The same in every order; the first one opens what it names. */
  readonly setting: WorkerSetting
  readonly task: TrainingTask
}

export type WorkerAnswer =
  | { readonly kind: 'trained'; readonly trained: TrainedArchitecture }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

// Without its command a worker stops; a terminal interrupts the whole group, and the command decides what becomes of it.
process.on('disconnect', () => process.exit(1))
process.on('SIGINT', () => {})

let trainer: Promise<Trainer> | undefined

process.on('message', async ({ setting, task }: WorkerOrder) => {
  try {
    trainer ??= open(setting)
    const trained = await (await trainer).train(task)
    answer({ kind: 'trained', trained })
  } catch (error) {
    const { code = 'unexpected', message = String(error) } = error as Partial<NodeJS.ErrnoException>
    answer({ kind: 'failed', code, message })
  }
})

const answer = (message: WorkerAnswer) => process.send?.(message)

async function open({ recipe, data }: WorkerSetting): Promise<Trainer> {
  const images = await openDataset(recipe.dataset.name, { folder: data, ...imageSizeOf(recipe) })
  return openTrainer({ space: builtinSpace(recipe.space), recipe, data: images })
}

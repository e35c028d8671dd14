/** The worker process of `bench tables build`: trains one architecture for each message that it receives. */
import { openDataset } from '../data/openDataset.ts'
import { openSpaces } from '../spaces/index.ts'
import { imageSizeOf, type Recipe } from '../tables/recipe.ts'
import type { TrainedArchitecture } from './trainArchitecture.ts'
import { openTrainer, type Trainer } from './trainers.ts'
import type { TrainingTask } from './trainingSet.ts'

/** What a worker process needs to open its trainer. */
export interface WorkerSetting {
  readonly recipe: Recipe
  /** Plugins that bring the space, as after `--plugin`. */
  readonly plugins: readonly string[]
  /** Folder of the images; absent: the user's data folder, or the built-in set. */
  readonly data?: string
}

/** The message that asks for one training. */
export interface WorkerOrder {
  /** The same in every message; the first message opens recipe and images. */
  readonly setting: WorkerSetting
  readonly task: TrainingTask
}

/** The worker's answer: the training's result, or its error. */
export type WorkerAnswer =
  | { readonly kind: 'trained'; readonly trained: TrainedArchitecture }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

// A worker ends when the connection to its command ends. It ignores Ctrl-C, which the terminal sends to all processes
// of the
// command; the command decides whether the running trainings are finished.
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

async function open({ recipe, plugins, data }: WorkerSetting): Promise<Trainer> {
  const images = await openDataset(recipe.dataset.name, { folder: data, ...imageSizeOf(recipe) })
  return openTrainer({ space: (await openSpaces(plugins)).space(recipe.space), recipe, data: images })
}

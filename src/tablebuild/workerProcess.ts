/** The worker process of `bench tables build`: trains one architecture for each message that it receives. */
import { openDataset } from '../data/openDataset.ts'
import { openSpaces } from '../spaces/index.ts'
import { imageSizeOf } from '../tables/recipe.ts'
import { openTrainer, type Trainer, type WorkerAnswer, type WorkerOrder, type WorkerSetting } from './trainers.ts'

// A worker ends when the connection to its command ends. It ignores Ctrl-C, which the terminal sends to all processes
// of the command; the command decides whether the running trainings are finished.
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

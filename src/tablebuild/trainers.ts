/**
 * Worker processes for table builds, which do tasks such as training or scoring an architecture, and the trainers that
 * use them.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BenchError, type ErrorCode, exitStatus } from '../core/errors.ts'
import type { Executor } from '../core/executor.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import { scaledDataset } from '../data/batches/imageView.ts'
import type { Dataset } from '../data/dataset.ts'
import { openExecutor } from '../engine/index.ts'
import { executorOf, type Recipe } from '../tables/recipe.ts'
import { type TrainedArchitecture, trainArchitecture } from './trainArchitecture.ts'
import { numberingOf, type TrainingRecord, type TrainingTask } from './trainingSet.ts'

/** What a worker process needs to open its trainer: recipe, plugins and image folder. */
export interface WorkerSetting {
  readonly recipe: Recipe
  /** Plugins that define the search space: files or packages, as after `--plugin`. */
  readonly plugins: readonly string[]
  /** Folder of the images to train on; absent: the user's data folder, or the built-in dataset. */
  readonly data?: string
}

/** The message that tells a worker process to do one task, such as to train one architecture. */
export interface WorkerOrder<Setting, Task> {
  /** Settings that are the same for all tasks. The worker process opens what they name at the first message. */
  readonly setting: Setting
  readonly task: Task
}

/** A worker process's answer: the result of a task, or the error that ended the task. */
export type WorkerAnswer<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/** Does tasks one at a time, such as training or scoring an architecture. */
export interface Worker<Task, Result> {
  run(task: Task): Promise<Result>
  close(): void
}

/** A task counts as failed if this many worker processes died during it. */
const MOST_DEATHS = 2

/**
 * Returns a worker that does its tasks in a separate process. If the process dies, another one repeats the task, once.
 * @param module file name of the compiled module in `dist/tablebuild` that the process runs. The compiled one is used
 * even when running from source, since Node 20 runs no TypeScript.
 * @param describe names a task in error messages
 */
export function forkWorker<Setting, Task, Result>(
  module: string,
  setting: Setting,
  describe: (task: Task) => string,
): Worker<Task, Result> {
  const path = fileURLToPath(new URL(`../../dist/tablebuild/${module}`, import.meta.url))
  let child: ChildProcess | undefined
  const started = () => {
    const process = fork(path, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    process.once('close', () => {
      child = undefined
    })
    return process
  }
  return {
    async run(task) {
      for (let deaths = 0; ; ) {
        child ??= started()
        const answer = await request<Setting, Task, Result>(child, { setting, task })
        if ('result' in answer) return answer.result
        if (++deaths === MOST_DEATHS)
          throw new BenchError('failed', `worker processes were lost over ${describe(task)} (${answer.death})`)
      }
    },
    close: () => void child?.disconnect(),
  }
}

type Outcome<Result> = { readonly result: Result } | { readonly death: string }

/**
 * Sends a task to a worker process, and waits for the result or for the end of the process.
 * @throws the error of the task
 */
function request<Setting, Task, Result>(
  child: ChildProcess,
  order: WorkerOrder<Setting, Task>,
): Promise<Outcome<Result>> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: WorkerAnswer<Result>) => {
      child.off('close', onClose)
      if (answer.kind === 'done') resolve({ result: answer.result })
      else reject(failure(answer))
    }
    const onClose = (code: number | null, signal: string | null) => {
      child.off('message', onMessage)
      resolve({ death: signal === null ? `exit code ${code}` : `killed by ${signal}` })
    }
    child.once('message', onMessage)
    child.once('close', onClose)
    child.send(order as object, () => {})
  })
}

/**
 * In a worker process: does the tasks of the messages that it receives and sends back their results. The process ends
 * when the connection to its command ends. It ignores Ctrl-C, which the terminal sends to all processes of the command;
 * the command decides whether running tasks are finished.
 * @param open opens what all tasks share; called at the first message
 */
export function answerOrders<Setting, Task, Result>(
  open: (setting: Setting) => Promise<(task: Task) => Promise<Result>>,
) {
  process.on('disconnect', () => process.exit(1))
  process.on('SIGINT', () => {})
  const answer = (message: WorkerAnswer<Result>) => process.send?.(message)
  let opened: Promise<(task: Task) => Promise<Result>> | undefined
  process.on('message', async ({ setting, task }: WorkerOrder<Setting, Task>) => {
    try {
      opened ??= open(setting)
      answer({ kind: 'done', result: await (await opened)(task) })
    } catch (error) {
      const { code = 'unexpected', message = String(error) } = error as Partial<NodeJS.ErrnoException>
      answer({ kind: 'failed', code, message })
    }
  })
}

/** Returns the error that a worker process reported for a task. */
function failure({ code, message }: { readonly code: string; readonly message: string }): Error {
  return code in exitStatus ? new BenchError(code as ErrorCode, message) : new Error(message)
}

/** Returns a trainer that trains architectures in a separate process. */
export function forkTrainer(setting: WorkerSetting): Trainer {
  const worker = forkWorker<WorkerSetting, TrainingTask, TrainedArchitecture>(
    'workerProcess.js',
    setting,
    ({ index, seed }) => `architecture ${index}, seed ${seed}`,
  )
  return { train: worker.run, close: worker.close }
}

/**
 * Distributes tasks among workers; each gets another task when it has finished one.
 * @param stopped called before each task; if it returns true, no further task is begun
 * @throws the first error of a worker, after the other workers have finished their current tasks
 */
export async function runAll<Task, Result>(
  tasks: readonly Task[],
  workers: readonly Pick<Worker<Task, Result>, 'run'>[],
  stopped: () => boolean,
  onDone: (task: Task, result: Result) => void,
): Promise<void> {
  const waiting = tasks[Symbol.iterator]()
  const failures: unknown[] = []
  const work = async (worker: Pick<Worker<Task, Result>, 'run'>) => {
    for (const task of waiting) {
      if (stopped() || failures.length > 0) return
      onDone(task, await worker.run(task))
    }
  }
  await Promise.all(workers.map((worker) => work(worker).catch((error) => failures.push(error))))
  if (failures.length > 0) throw failures[0]
}

/**
 * Distributes a list of trainings among trainers; each trainer gets the next training when it has finished one.
 * @param stopped called before each training; if it returns true, no further training is begun
 * @throws the first error of a trainer, after the other trainers have finished their current trainings
 */
export const trainAll = (
  tasks: readonly TrainingTask[],
  trainers: readonly Trainer[],
  stopped: () => boolean,
  onTrained: (record: TrainingRecord<TrainedArchitecture>) => void,
): Promise<void> =>
  runAll(
    tasks,
    trainers.map((trainer) => ({ run: (task: TrainingTask) => trainer.train(task) })),
    stopped,
    ({ index }, trained) => onTrained({ index, trained }),
  )

/** Trains architectures of a search space by one recipe, one at a time. */
export interface Trainer {
  train(task: TrainingTask): Promise<TrainedArchitecture>
  close(): void
}

export interface TrainerSetting<G extends Genotype = Genotype> {
  readonly space: SearchSpace<G>
  readonly recipe: Recipe
  readonly data: Dataset
}

/**
 * Returns a trainer that trains architectures in this process.
 * @throws BenchError `unsupported` if the executor that the recipe names is not available
 */
export async function openTrainer<G extends Genotype>({ space, recipe, data }: TrainerSetting<G>): Promise<Trainer> {
  const executor: Executor = await openExecutor(executorOf(recipe))
  const { at } = numberingOf(space)
  const images = scaledDataset(data, recipe.data.imageSize)
  return {
    train: ({ index, seed }) => trainArchitecture({ space, genotype: at(index), recipe, seed, executor, data: images }),
    close: () => {},
  }
}

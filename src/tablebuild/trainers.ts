/** Trains the architectures of a built table in worker processes, and distributes the trainings among them. */
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

/** The recipe, plugins and image folder with which a worker process opens its trainer. */
export interface WorkerSetting {
  readonly recipe: Recipe
  /** Plugins that define the search space: files or packages, as after `--plugin`. */
  readonly plugins: readonly string[]
  /** Folder of the images to train on; absent: the user's data folder, or the built-in dataset. */
  readonly data?: string
}

/** The message that tells a worker process to train one architecture. */
export interface WorkerOrder {
  /**
   * Recipe, plugins and images of the trainings, the same in every message. At the first message, the worker process
   * opens them.
   */
  readonly setting: WorkerSetting
  readonly task: TrainingTask
}

/** A worker process's answer: the result of a training, or the error that ended the training. */
export type WorkerAnswer =
  | { readonly kind: 'trained'; readonly trained: TrainedArchitecture }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

/**
 * Path of the compiled module that the worker processes run. Also used when running from source, since Node 20 runs no
 * TypeScript.
 */
const WORKER = fileURLToPath(new URL('../../dist/tablebuild/workerProcess.js', import.meta.url))

/** A training fails if this many worker processes have died while doing it. */
const MOST_DEATHS = 2

/**
 * Returns a trainer that trains architectures in a separate process. If the process dies, another one repeats the
 * training, once.
 */
export function forkTrainer(setting: WorkerSetting): Trainer {
  let child: ChildProcess | undefined
  const started = () => {
    const process = fork(WORKER, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    process.once('close', () => {
      child = undefined
    })
    return process
  }
  return {
    async train(task) {
      for (let deaths = 0; ; ) {
        child ??= started()
        const answer = await request(child, { setting, task })
        if ('trained' in answer) return answer.trained
        if (++deaths === MOST_DEATHS) throw lostWorkers(task, answer.death)
      }
    },
    close: () => void child?.disconnect(),
  }
}

type Outcome = { readonly trained: TrainedArchitecture } | { readonly death: string }

/**
 * Sends a training order to a worker process, and waits for the answer or for the end of the process.
 * @throws the error of the training
 */
function request(child: ChildProcess, order: WorkerOrder): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: WorkerAnswer) => {
      child.off('close', onClose)
      if (answer.kind === 'trained') resolve({ trained: answer.trained })
      else reject(failure(answer))
    }
    const onClose = (code: number | null, signal: string | null) => {
      child.off('message', onMessage)
      resolve({ death: signal === null ? `exit code ${code}` : `killed by ${signal}` })
    }
    child.once('message', onMessage)
    child.once('close', onClose)
    child.send(order, () => {})
  })
}

/** Returns the error that a worker process reported for a training. */
function failure({ code, message }: WorkerAnswer & { readonly kind: 'failed' }): Error {
  return code in exitStatus ? new BenchError(code as ErrorCode, message) : new Error(message)
}

const lostWorkers = ({ index, seed }: TrainingTask, death: string): BenchError =>
  new BenchError('failed', `worker processes were lost over architecture ${index}, seed ${seed} (${death})`)

/**
 * Distributes a list of trainings among trainers; each trainer gets the next training when it has finished one.
 * @param stopped called before each training; if it returns true, no further training is begun
 * @throws the first error of a trainer, after the other trainers have finished their current trainings
 */
export async function trainAll(
  tasks: readonly TrainingTask[],
  trainers: readonly Trainer[],
  stopped: () => boolean,
  onTrained: (record: TrainingRecord<TrainedArchitecture>) => void,
): Promise<void> {
  const waiting = tasks[Symbol.iterator]()
  const failures: unknown[] = []
  const work = async (trainer: Trainer) => {
    for (const task of waiting) {
      if (stopped() || failures.length > 0) return
      onTrained({ index: task.index, trained: await trainer.train(task) })
    }
  }
  await Promise.all(trainers.map((trainer) => work(trainer).catch((error) => failures.push(error))))
  if (failures.length > 0) throw failures[0]
}

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

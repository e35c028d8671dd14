/**
 * Distributes the jobs of a plan over worker processes: makes one work order (a list of jobs) for each process. Also
 * lists the GPUs that can be used.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Backend, webgpuEnvironments } from '../../engine/index.ts'
import type { LogFormat } from '../../system/progressLog.ts'
import type { Plan, PlannedJob } from '../plan/plan.ts'
import type { WorkOrder } from '../run/messages.ts'
import type { Store } from '../store/store.ts'

/** Numbers of worker processes and threads that a command may use. */
export interface Processes {
  /**
   * Largest number of worker processes at a time; absent: one per GPU if networks are trained on GPUs, else one per
   * core.
   */
  readonly jobs?: number
  /** Number of searches of one algorithm (with different seeds) that share a worker process and its GPU. */
  readonly seedsPerDevice: number
  /**
   * Number of threads that compute one training step; if absent, the cores are divided evenly among the worker
   * processes.
   */
  readonly threads?: number
  /** Formats in which the jobs also log the metrics of each epoch; absent: none. */
  readonly log?: readonly LogFormat[]
}

/**
 * Returns the work orders (lists of jobs, one for each worker process) for the unfinished jobs of a plan. Jobs that
 * train networks get a process each, or share one with other seeds of the same search, up to `seedsPerDevice` in all.
 * Black-box searches take milliseconds, so each of at most `jobs` processes runs many of them.
 */
export function ordersOf(
  { experiment, lookups }: Plan,
  missing: readonly PlannedJob[],
  store: Store,
  { jobs, seedsPerDevice, log }: Pick<Processes, 'seedsPerDevice' | 'log'> & { readonly jobs: number },
): WorkOrder[] {
  return experiment.datasets.flatMap((dataset) => {
    const here = missing.filter(({ job }) => job.dataset.name === dataset)
    const trainings = groupSeeds(here.filter(trainsNetwork), seedsPerDevice)
    const quick = here.filter((job) => !trainsNetwork(job))
    return [...split(quick, jobs).map(inSequence), ...trainings.map(inParallel)].map(({ batch, atATime }) => ({
      store: store.folder,
      jobs: batch.map(orderedJob),
      atATime,
      plugins: experiment.plugins,
      data: experiment.data[dataset],
      table: lookups.get(dataset)?.table,
      executor: experiment.executor,
      ...(log && log.length > 0 && { log }),
    }))
  })
}

const orderedJob = ({ id, job, foundBy, algorithm: { program } }: PlannedJob): WorkOrder['jobs'][number] => ({
  ...{ id, job },
  ...(foundBy && { foundBy }),
  ...(program?.interpreter !== undefined && { interpreter: program.interpreter }),
})

/** Returns whether a job trains a network, in its search or in a full training. */
export const trainsNetwork = ({ algorithm, job }: PlannedJob): boolean =>
  algorithm.kind === 'supernet' || job.retraining !== undefined

const inSequence = (batch: readonly PlannedJob[]) => ({ batch, atATime: 1 })
const inParallel = (batch: readonly PlannedJob[]) => ({ batch, atATime: batch.length })

/** Groups consecutive jobs of the same algorithm, at most `most` in a group; each group will share a worker process. */
function groupSeeds(trainings: readonly PlannedJob[], most: number): PlannedJob[][] {
  const groups: PlannedJob[][] = []
  for (const training of trainings) {
    const group = groups.at(-1)
    if (group !== undefined && group.length < most && group[0].algorithm === training.algorithm) group.push(training)
    else groups.push([training])
  }
  return groups
}

/** Splits a list of jobs into at most `parts` lists of consecutive jobs with nearly equal lengths. */
function split<T>(items: readonly T[], parts: number): T[][] {
  const size = Math.ceil(items.length / parts)
  const starts = Array.from({ length: Math.ceil(items.length / Math.max(1, size)) }, (_, part) => part * size)
  return starts.map((start) => items.slice(start, start + size))
}

/**
 * For each GPU that this command may use with a backend, returns the environment variables that assign it to a worker
 * process: with WebGPU the GPUs that WebGPU finds, with other backends NVIDIA's, which Python methods use, too.
 */
export async function gpuEnvironments(backend: Backend): Promise<readonly NodeJS.ProcessEnv[]> {
  return backend === 'webgpu' ? webgpuEnvironments() : cudaEnvironments()
}

/**
 * For each NVIDIA GPU that this process may use, returns the environment variable that assigns it to a worker process.
 */
export const cudaEnvironments = (): readonly NodeJS.ProcessEnv[] =>
  cudaDevices(process.env).map((device) => ({ CUDA_VISIBLE_DEVICES: device }))

/**
 * Returns the NVIDIA GPUs that this process may use, as values of CUDA_VISIBLE_DEVICES: those that the variable names,
 * else all that the driver lists.
 * @param root folder that contains `proc`
 */
export function cudaDevices({ CUDA_VISIBLE_DEVICES: visible }: NodeJS.ProcessEnv, root = '/'): readonly string[] {
  if (visible !== undefined) return visible.split(',').filter((device) => device !== '' && device !== '-1')
  try {
    return readdirSync(join(root, 'proc/driver/nvidia/gpus')).map((_, index) => String(index))
  } catch {
    return []
  }
}

/** How the jobs of a plan are dealt to processes, each with what its jobs have in common. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan, PlannedJob } from '../plan/plan.ts'
import type { WorkOrder } from '../run/messages.ts'
import type { Store } from '../store/store.ts'

export interface Processes {
  /** At a time; absent: one for each GPU where GPUs compute, else one for each core. */
  readonly jobs?: number
  /** Searches of one algorithm that share a process, and so its GPU. */
  readonly seedsPerDevice: number
  /** That may work on one step; absent: as many as leave each process its share of the cores. */
  readonly threads?: number
}

/**
 * What trains a network has a process of its own, or shares it with so many other seeds; black-box searches take
 * milliseconds and share one.
 */
export function ordersOf(
  { experiment, lookups }: Plan,
  missing: readonly PlannedJob[],
  store: Store,
  { jobs, seedsPerDevice }: { readonly jobs: number; readonly seedsPerDevice: number },
): WorkOrder[] {
  return experiment.datasets.flatMap((dataset) => {
    const here = missing.filter(({ job }) => job.dataset.name === dataset)
    const trainings = seedsTogether(here.filter(trainsNetwork), seedsPerDevice)
    const quick = here.filter((job) => !trainsNetwork(job))
    return [...deal(quick, jobs).map(oneByOne), ...trainings.map(sideBySide)].map(({ batch, atATime }) => ({
      store: store.folder,
      jobs: batch.map(({ id, job, foundBy }) => ({ id, job, ...(foundBy && { foundBy }) })),
      atATime,
      plugins: experiment.plugins,
      data: experiment.data[dataset],
      table: lookups.get(dataset)?.table,
      executor: experiment.executor,
    }))
  })
}

export const trainsNetwork = ({ algorithm, job }: PlannedJob): boolean =>
  algorithm.kind === 'supernet' || job.retraining !== undefined

const oneByOne = (batch: readonly PlannedJob[]) => ({ batch, atATime: 1 })
const sideBySide = (batch: readonly PlannedJob[]) => ({ batch, atATime: batch.length })

/** Neighbours of one algorithm, at most so many in a run. */
function seedsTogether(trainings: readonly PlannedJob[], most: number): PlannedJob[][] {
  const runs: PlannedJob[][] = []
  for (const training of trainings) {
    const run = runs.at(-1)
    if (run !== undefined && run.length < most && run[0].algorithm === training.algorithm) run.push(training)
    else runs.push([training])
  }
  return runs
}

/** Into at most `hands` runs of neighbours, as equal as can be. */
function deal<T>(items: readonly T[], hands: number): T[][] {
  const size = Math.ceil(items.length / hands)
  const starts = Array.from({ length: Math.ceil(items.length / Math.max(1, size)) }, (_, hand) => hand * size)
  return starts.map((start) => items.slice(start, start + size))
}

/**
 * The NVIDIA GPUs that this process may use, in the words of CUDA_VISIBLE_DEVICES: those that it names, else all that the
 * driver lists.
 * @param root below which `/proc` is read
 */
export function cudaDevices({ CUDA_VISIBLE_DEVICES: visible }: NodeJS.ProcessEnv, root = '/'): readonly string[] {
  if (visible !== undefined) return visible.split(',').filter((device) => device !== '' && device !== '-1')
  try {
    return readdirSync(join(root, 'proc/driver/nvidia/gpus')).map((_, index) => String(index))
  } catch {
    return []
  }
}

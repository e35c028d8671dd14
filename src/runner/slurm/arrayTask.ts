/**
 * Runs one task of a Slurm job array: runs the jobs of its work order and requeues the task shortly before Slurm's time
 * limit.
 */

import { BenchError } from '../../core/errors.ts'
import { cores } from '../../system/cores.ts'
import { cudaEnvironments } from '../processes/orders.ts'
import { runOrders } from '../processes/pool.ts'
import type { RunEvent, WorkOrder } from '../run/messages.ts'
import { readOrders, slurm } from './arrays.ts'

/**
 * Returns the work order (list of jobs) of the Slurm task that this process runs as.
 * @throws BenchError `bad-input` if this process is not a task of a job array, `missing` or `corrupt` if the array's
 * file of work orders is
 */
export function taskOrder(folder: string, { SLURM_ARRAY_TASK_ID: task = '' }: NodeJS.ProcessEnv): WorkOrder {
  const orders = readOrders(folder)
  const order = orders[Number.parseInt(task, 10)]
  if (order !== undefined) return order
  const found = task === '' ? 'no SLURM_ARRAY_TASK_ID' : `SLURM_ARRAY_TASK_ID ${task}`
  throw new BenchError('bad-input', `slurm-task is for tasks 0 to ${orders.length - 1} of a job array; found ${found}`)
}

/**
 * Runs a work order as a Slurm task. Slurm sends SIGUSR2 shortly before the task's time limit. If the task has saved an
 * epoch or finished a run by then, it requeues itself; otherwise it ends, since its next attempt would not get further
 * either. So a search that cannot be saved does not repeat its first epochs for ever.
 * @param say called with a message to the user about the time limit
 */
export async function runTask(
  order: WorkOrder,
  onEvent: (event: RunEvent) => void,
  say: (line: string) => void,
): Promise<void> {
  const { threads = cores() } = order.executor
  let hasAdvanced = false
  const onTimeLimit = () =>
    say(hasAdvanced ? requeue() : 'the time limit is near and no epoch is saved: ask for more time')
  process.on('SIGUSR2', onTimeLimit)
  try {
    const isProgress = progressDetector()
    await runOrders(
      [{ ...order, executor: { ...order.executor, threads } }],
      { jobs: 1, gpus: cudaEnvironments() },
      (event) => {
        hasAdvanced ||= isProgress(event)
        onEvent(event)
      },
    )
  } finally {
    process.off('SIGUSR2', onTimeLimit)
  }
}

/** Requeues this Slurm task, after which Slurm ends this process. Returns a line for the task's log. */
function requeue(): string {
  const { SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID } = process.env
  try {
    slurm('scontrol', ['requeue', `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}`])
    return 'the time limit is near: requeued, to continue from the last checkpoints'
  } catch (error) {
    return `the time limit is near: ${(error as Error).message}; submit again to continue from the last checkpoints`
  }
}

/**
 * Returns a function that tells whether an event means that progress was saved, which a later attempt need not repeat.
 */
function progressDetector(): (event: RunEvent) => boolean {
  /** For each full training: number of its epochs that were finished when its first event arrived. */
  const firstEpochs = new Map<string, number>()
  return (event) => {
    if (event.kind === 'finished') return true
    if (event.kind === 'epoch') return event.isSaved
    if (event.kind !== 'retraining') return false
    const training = `${event.id} ${event.seed}`
    const first = firstEpochs.get(training) ?? event.epoch
    firstEpochs.set(training, first)
    return event.epoch > first
  }
}

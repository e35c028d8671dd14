/** Runs one task of a Slurm job array: its work order, and a requeue shortly before the time limit. */
import { BenchError } from '../../core/errors.ts'
import { cores } from '../../system/cores.ts'
import { runOrders } from '../processes/pool.ts'
import type { RunEvent, WorkOrder } from '../run/messages.ts'
import { readOrders, slurm } from './arrays.ts'

/**
 * Returns the work order of the task that runs. @throws BenchError `bad-input` outside of an array, `missing` or
 * `corrupt`
 */
export function taskOrder(folder: string, { SLURM_ARRAY_TASK_ID: task = '' }: NodeJS.ProcessEnv): WorkOrder {
  const orders = readOrders(folder)
  const order = orders[Number.parseInt(task, 10)]
  if (order !== undefined) return order
  const found = task === '' ? 'no SLURM_ARRAY_TASK_ID' : `SLURM_ARRAY_TASK_ID ${task}`
  throw new BenchError('bad-input', `slurm-task is for tasks 0 to ${orders.length - 1} of a job array; found ${found}`)
}

/**
 * Runs a work order. Slurm sends SIGUSR2 shortly before the time limit; the task then requeues itself if it has
 * finished an epoch or a run. Otherwise it ends, since it would make no progress in the next attempt either.
 *
 * @param say called with a line about the time limit
 */
export async function runTask(
  order: WorkOrder,
  onEvent: (event: RunEvent) => void,
  say: (line: string) => void,
): Promise<void> {
  const { threads = cores() } = order.executor
  let hasAdvanced = false
  const onTimeLimit = () =>
    say(hasAdvanced ? requeue() : 'the time limit is near and no epoch is finished: ask for more time')
  process.on('SIGUSR2', onTimeLimit)
  try {
    const isProgress = progressDetector()
    await runOrders([{ ...order, executor: { ...order.executor, threads } }], 1, (event) => {
      hasAdvanced ||= isProgress(event)
      onEvent(event)
    })
  } finally {
    process.off('SIGUSR2', onTimeLimit)
  }
}

/** Requeues the task, after which Slurm ends this process. → a line for the log */
function requeue(): string {
  const { SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID } = process.env
  try {
    slurm('scontrol', ['requeue', `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}`])
    return 'the time limit is near: requeued, to continue from the last checkpoints'
  } catch (error) {
    return `the time limit is near: ${(error as Error).message}; submit again to continue from the last checkpoints`
  }
}

/** Returns a function that tells whether an event marks progress that a later attempt will not have to repeat. */
function progressDetector(): (event: RunEvent) => boolean {
  /** Finished epochs of each full training at its first event. */
  const firstEpochs = new Map<string, number>()
  return (event) => {
    if (event.kind === 'epoch' || event.kind === 'finished') return true
    if (event.kind !== 'retraining') return false
    const training = `${event.id} ${event.seed}`
    const first = firstEpochs.get(training) ?? event.epoch
    firstEpochs.set(training, first)
    return event.epoch > first
  }
}

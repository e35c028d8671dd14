/** One task of a job array: its order worked off as on any machine, and what to do where its time runs out. */

import { BenchError } from '../../core/errors.ts'
import { cores } from '../../system/cores.ts'
import { runOrders } from '../processes/pool.ts'
import type { RunEvent, WorkOrder } from '../run/messages.ts'
import { readOrders, slurm } from './arrays.ts'

/** @throws BenchError `bad-input` outside of an array, `missing` or `corrupt` */
export function taskOrder(folder: string, { SLURM_ARRAY_TASK_ID: task = '' }: NodeJS.ProcessEnv): WorkOrder {
  const orders = readOrders(folder)
  const order = orders[Number.parseInt(task, 10)]
  if (order !== undefined) return order
  const found = task === '' ? 'no SLURM_ARRAY_TASK_ID' : `SLURM_ARRAY_TASK_ID ${task}`
  throw new BenchError('bad-input', `slurm-task is for tasks 0 to ${orders.length - 1} of a job array; found ${found}`)
}

/**
 * Works the order off. Shortly before the time limit (SIGUSR2) the task has itself queued again, if an epoch or a run came
 * to its end since it began; one that would never get further ends.
 *
 * @param say told what is done about the time limit
 */
export async function runTask(
  order: WorkOrder,
  onEvent: (event: RunEvent) => void,
  say: (line: string) => void,
): Promise<void> {
  const { threads = cores() } = order.executor
  let advanced = false
  const warned = () =>
    say(advanced ? requeued() : 'time is running out before an epoch was finished: ask for more time')
  process.on('SIGUSR2', warned)
  try {
    const advances = advancing()
    await runOrders([{ ...order, executor: { ...order.executor, threads } }], 1, (event) => {
      advanced ||= advances(event)
      onEvent(event)
    })
  } finally {
    process.off('SIGUSR2', warned)
  }
}

/** Slurm then ends this process. → what happened */
function requeued(): string {
  const { SLURM_ARRAY_JOB_ID, SLURM_ARRAY_TASK_ID } = process.env
  try {
    slurm('scontrol', ['requeue', `${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}`])
    return 'time is running out: queued again, to go on from the last checkpoints'
  } catch (error) {
    return `time is running out: ${(error as Error).message}; submit again to go on from the last checkpoints`
  }
}

/** Tells whether an event is of something that will not have to be done again. */
function advancing(): (event: RunEvent) => boolean {
  /** Finished epochs of a full training when it was first heard of. */
  const begun = new Map<string, number>()
  return (event) => {
    if (event.kind === 'epoch' || event.kind === 'finished') return true
    if (event.kind !== 'retraining') return false
    const training = `${event.id} ${event.seed}`
    const first = begun.get(training) ?? event.epoch
    begun.set(training, first)
    return event.epoch > first
  }
}

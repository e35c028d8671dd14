/**
 * The entry point of a worker process: receives one work order (a list of jobs) from the parent process of the command,
 * runs the jobs, and exits.
 */
import { builtins } from './builtins.ts'
import { runWorkOrder } from './runner/processes/runWorkOrder.ts'
import { FAILURES_REPORTED, type RunEvent, type WorkOrder } from './runner/run/messages.ts'
import { describeFailure, type Failure } from './runner/run/runJob.ts'
import { onHang } from './system/hangDetector.ts'

// If the command is gone, the worker stops; its runs can be resumed from their checkpoints.
const stop = () => process.exit(1)
process.on('disconnect', stop)
// Ctrl-C reaches all processes of a terminal; workers ignore it, since the command ends them.
process.on('SIGINT', () => {})

process.once('message', async (order: WorkOrder) => {
  const ended = new Set<string>()
  let sent: Promise<unknown> = Promise.resolve()
  const send = (event: RunEvent) => {
    if (event.kind === 'finished' || event.kind === 'failed') ended.add(event.id)
    sent = new Promise((resolve) => process.send?.(event, resolve))
  }
  /**
   * Reports the running jobs as failed, after an error that none of them could catch; a new process runs the others.
   */
  const failRunningJobs = async (failure: Failure) => {
    const running = order.jobs.filter(({ id }) => !ended.has(id)).slice(0, order.atATime ?? 1)
    for (const { id } of running) send({ id, kind: 'failed', ...failure })
    await sent
    process.exit(FAILURES_REPORTED)
  }
  process.on('uncaughtException', (error, origin) => {
    const { message, ...failure } = describeFailure(error)
    const prefix = origin === 'unhandledRejection' ? 'a promise that nobody awaits was rejected: ' : ''
    void failRunningJobs({ ...failure, message: prefix + message })
  })
  // Detects a hang: a promise is pending but nothing is scheduled. The channel to the command must not count as
  // scheduled.
  process.channel?.unref()
  onHang(
    () => ended.size < order.jobs.length,
    () =>
      void failRunningJobs({
        code: 'failed',
        message: 'it waits for a promise that nothing will resolve',
      }),
  )
  try {
    await runWorkOrder(order, builtins, send)
    await sent
    process.off('disconnect', stop)
    process.disconnect()
  } catch (error) {
    await failRunningJobs(describeFailure(error))
  }
})

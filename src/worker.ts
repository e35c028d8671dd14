/** The worker process of `bench run`: takes one order from its parent, works it off, and ends. */
import { builtins } from './builtins.ts'
import { work } from './runner/processes/work.ts'
import { GAVE_UP, type RunEvent, type WorkOrder } from './runner/run/messages.ts'
import { describeFailure, type Failure } from './runner/run/runJob.ts'
import { whenNothingComes } from './system/hangDetector.ts'

// Without its command a worker stops; the checkpoint is there for the next one.
const stop = () => process.exit(1)
process.on('disconnect', stop)
// A terminal interrupts the whole group; the command decides what becomes of its workers.
process.on('SIGINT', () => {})

process.once('message', async (order: WorkOrder) => {
  const ended = new Set<string>()
  let sent: Promise<unknown> = Promise.resolve()
  const send = (event: RunEvent) => {
    if (event.kind === 'finished' || event.kind === 'failed') ended.add(event.id)
    sent = new Promise((resolve) => process.send?.(event, resolve))
  }
  /** What no job can catch is of those that are at work; the others get another process. */
  const giveUp = async (failure: Failure) => {
    const atWork = order.jobs.filter(({ id }) => !ended.has(id)).slice(0, order.atATime ?? 1)
    for (const { id } of atWork) send({ id, kind: 'failed', ...failure })
    await sent
    process.exit(GAVE_UP)
  }
  process.on('uncaughtException', (error, origin) => {
    const { message, ...failure } = describeFailure(error)
    const about = origin === 'unhandledRejection' ? 'a promise that nobody awaits was rejected: ' : ''
    void giveUp({ ...failure, message: about + message })
  })
  // Nothing is under way, and the command alone would keep the process: the end of the work is not going to come.
  process.channel?.unref()
  whenNothingComes(
    () => ended.size < order.jobs.length,
    () =>
      void giveUp({
        code: 'failed',
        message: 'it waits for something that nothing brings about, as a promise never resolved',
      }),
  )
  try {
    await work(order, builtins, send)
    await sent
    process.off('disconnect', stop)
    process.disconnect()
  } catch (error) {
    await giveUp(describeFailure(error))
  }
})

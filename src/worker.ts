/** The worker process of `bench run`: takes one order from its parent, works it off, and ends. */
import { builtins } from './builtins.ts'
import type { RunEvent } from './runner/workers/events.ts'
import { work } from './runner/workers/work.ts'
import type { WorkOrder } from './runner/workers/workOrder.ts'

// Without its command a worker stops; the checkpoint is there for the next one.
const stop = () => process.exit(1)
process.on('disconnect', stop)
// A terminal interrupts the whole group; the command decides what becomes of its workers.
process.on('SIGINT', () => {})

process.once('message', async (order: WorkOrder) => {
  let sent: Promise<unknown> = Promise.resolve()
  const send = (event: RunEvent) => {
    sent = new Promise((resolve) => process.send?.(event, resolve))
  }
  try {
    await work(order, builtins, send)
    await sent
    process.off('disconnect', stop)
    process.disconnect()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    process.exit(1)
  }
})

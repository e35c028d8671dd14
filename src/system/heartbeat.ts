/**
 * Worker thread that writes the heartbeats of the locks that this process holds, so that they continue while the main
 * thread is busy.
 */
import { parentPort } from 'node:worker_threads'
import { beat, type HeartbeatOrder } from './lock.ts'

const timers = new Map<string, NodeJS.Timeout>()

parentPort?.on('message', ({ kind, lock, beatMs }: HeartbeatOrder) => {
  clearInterval(timers.get(lock.token))
  timers.delete(lock.token)
  if (kind === 'end') return
  let count = 0
  const next = () => beat(lock, ++count)
  timers.set(lock.token, setInterval(next, beatMs))
  next()
})

/**
 * Worker thread that kills its own process if it exceeds its memory limit, uses too much CPU time without progress, or
 * its parent process has ended.
 */
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { ProcessLimits, ReachedLimit } from './limitedProcess.ts'

const PAUSE_MS = 50
/**
 * A process counts as stalled only if it used at least this fraction of the time limit as CPU time; a process that
 * waits for a disk uses less.
 */
const LEAST_WORK = 0.5

const { steps, limits } = workerData as { readonly steps: Int32Array; readonly limits: ProcessLimits }
const clock = new Int32Array(new SharedArrayBuffer(4))

let seen = -1
let pauses = 0
let usage = process.cpuUsage()

for (;;) {
  Atomics.wait(clock, 0, 0, PAUSE_MS)
  if (process.ppid !== limits.parent) process.kill(process.pid, 'SIGKILL')
  if (process.memoryUsage.rss() > limits.memoryBytes) end('memory')
  const now = Atomics.load(steps, 0)
  if (now !== seen) {
    seen = now
    pauses = 0
    usage = process.cpuUsage()
  } else if (isStalled(++pauses)) end('seconds')
}

/**
 * Returns whether the process computed for longer than the time limit without progress. Time is measured by counting
 * the pauses between checks, since there are no pauses while the machine is suspended.
 * @param pauses number of pauses since the last progress
 */
function isStalled(pauses: number): boolean {
  if ((pauses * PAUSE_MS) / 1000 < limits.seconds) return false
  const { user, system } = process.cpuUsage(usage)
  return (user + system) / 1e6 >= LEAST_WORK * limits.seconds
}

function end(limit: ReachedLimit): void {
  writeSync(2, `limit ${limit}\n`)
  process.kill(process.pid, 'SIGKILL')
}

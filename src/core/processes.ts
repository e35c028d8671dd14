/** Whether a process still runs, also where numbers are used again and where nobody collects the dead. */
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** Names one process among all that ever ran. */
export interface ProcessIdentity {
  readonly pid: number
  readonly host: string
  /** Linux: the kernel's start time of the process, in ticks since boot; null elsewhere. */
  readonly startedTicks: string | null
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, host: hostname(), startedTicks: kernelEntry(process.pid)?.startedTicks ?? null }
}

/** False only where the process is known to be gone; a process of another machine cannot be known. */
export function mayBeAlive({ pid, host, startedTicks }: ProcessIdentity): boolean {
  if (host !== hostname()) return true
  if (!answersSignals(pid)) return false
  const entry = kernelEntry(pid)
  if (entry === undefined || startedTicks === null) return true
  return entry.startedTicks === startedTicks && entry.state !== 'Z'
}

/** True only where the process is known to run: one of this machine, told from all that had its number before. */
export const isSurelyAlive = (process: ProcessIdentity): boolean =>
  process.host === hostname() && process.startedTicks !== null && mayBeAlive(process)

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** `/proc/PID/stat` (proc(5)): after the name in parentheses, field 3 is the state and field 22 the start time. */
function kernelEntry(pid: number): { readonly state: string; readonly startedTicks: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0], startedTicks: fields[19] }
  } catch {
    return undefined
  }
}

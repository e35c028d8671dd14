/**
 * Finds the processes of an external program (its process group, its descendants, and those left behind after it
 * ended), measures their memory and kills them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { type ProcessIdentity, thisProcess } from './processes.ts'

/** Identity of a program's processes, by which a later command can kill those that are left over. */
export interface ProgramIdentity {
  /** Random text in the program's environment, which all processes that it starts inherit. */
  readonly token: string
  /** Id of the program's process group. */
  readonly group: number
  /** The process of this harness that started the program. */
  readonly startedBy: ProcessIdentity
}

/** Name of the environment variable that identifies the processes of a program. */
export const TOKEN = 'NAS_BENCH_PROGRAM'

/** Kills all processes of a process group; does nothing if there are none. */
export function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // The processes have ended.
  }
}

/** Returns the resident memory of a process and its descendants in bytes; 0 if the system has no `/proc`. */
export function memoryOf(pid: number): number {
  try {
    const kib = Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    return (
      kib * 1024 + (children === '' ? 0 : children.split(' ').reduce((sum, child) => sum + memoryOf(Number(child)), 0))
    )
  } catch {
    return 0
  }
}

/**
 * Kills the processes that a program of an earlier command left running on this machine. They are recognised by the
 * token in their environment. Does nothing if the program was started on another machine, or if the system has no
 * `/proc` with environments, since the id of a process group may be in use again.
 */
export function endLeftovers({ token, startedBy }: ProgramIdentity): void {
  const { host, boot } = thisProcess()
  if (startedBy.host !== host || startedBy.boot !== boot) return
  for (const pid of processesWith(token) ?? []) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has just ended.
    }
  }
}

/**
 * Returns the ids of the processes whose environment contains a program's token; undefined if the system has no
 * `/proc`.
 */
export function processesWith(token: string): number[] | undefined {
  const marker = `${TOKEN}=${token}`
  try {
    readFileSync('/proc/self/environ')
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => environmentOf(pid).includes(marker))
  } catch {
    return undefined
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}

/**
 * Identifies processes and tells whether a process still runs. That can be known only for a process on the same
 * machine, since the same boot, and in the same PID namespace.
 */
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'

/** Identity of a process, unique among all machines and boots. */
export interface ProcessIdentity {
  readonly pid: number
  readonly host: string
  /**
   * Boot of the machine during which the process started. Linux: the kernel's boot id. Elsewhere: a hash of the network
   * cards' addresses.
   */
  readonly boot: string | null
  /**
   * PID namespace of the process on Linux, such as `pid:[4026531836]`, since processes in two containers may have the
   * same process id; null elsewhere.
   */
  readonly pidNamespace: string | null
  /** Start time of the process on Linux, in the kernel's ticks since boot; null elsewhere. */
  readonly startedTicks: string | null
}

/**
 * Whether a process still runs. `alive`: it does. `dead`: it has ended. `unknown`: it is on another machine or in
 * another container, or its start time is unreadable.
 */
export type Liveness = 'alive' | 'dead' | 'unknown'

let identity: ProcessIdentity | undefined

/** Returns the identity of this process. */
export function thisProcess(): ProcessIdentity {
  identity ??= {
    pid: process.pid,
    host: hostname(),
    boot: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? hardwareAddresses(),
    pidNamespace: pidNamespace(),
    startedTicks: kernelEntry('self')?.startedTicks ?? null,
  }
  return identity
}

/** Returns whether the process with this identity still runs, as far as that can be known. */
export function livenessOf({ pid, host, boot, pidNamespace, startedTicks }: ProcessIdentity): Liveness {
  const self = thisProcess()
  if (boot === null || boot !== self.boot || host !== self.host || pidNamespace !== self.pidNamespace) return 'unknown'
  if (!answersSignals(pid)) return 'dead'
  if (startedTicks === null || !procIsOurs()) return 'unknown'
  const entry = kernelEntry(pid)
  if (entry === undefined) return 'unknown'
  return entry.startedTicks === startedTicks && entry.state !== 'Z' ? 'alive' : 'dead'
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Reads the state (field 3) and start time (field 22) of a process from `/proc/PID/stat` (proc(5)). */
function kernelEntry(pid: number | 'self'): { readonly state: string; readonly startedTicks: string } | undefined {
  const text = readText(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], startedTicks: fields[19] }
}

/**
 * Returns whether `/proc` shows this process's own PID namespace. `NSpid` (proc(5)) lists the process id in the
 * namespace of `/proc` and in each nested one, so it has a single id if the two are the same.
 */
function procIsOurs(): boolean {
  const numbers = /^NSpid:\s*(.*)$/m.exec(readText('/proc/self/status') ?? '')?.[1]
  return numbers === undefined || numbers.trim().split(/\s+/).length === 1
}

function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return null
  }
}

/** Returns a hash of the network cards' addresses, which tells apart machines with the same host name. */
function hardwareAddresses(): string | null {
  const addresses = Object.values(networkInterfaces()).flatMap((cards) => cards?.map(({ mac }) => mac) ?? [])
  const real = [...new Set(addresses)].filter((mac) => mac !== '00:00:00:00:00:00').sort()
  return real.length === 0 ? null : createHash('sha256').update(real.join()).digest('hex').slice(0, 16)
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

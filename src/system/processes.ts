/**
 * Whether a process still runs, judged only where this process can know: same machine, same boot, same PID namespace.
 */
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'

/** Names one process among all that ever ran. */
export interface ProcessIdentity {
  readonly pid: number
  readonly host: string
  /** Linux: the kernel's boot id. Elsewhere: a hash of the network hardware's addresses. */
  readonly boot: string | null
  /** Linux: the PID namespace, as `pid:[4026531836]`; two containers may each have a process of one number. */
  readonly pidNamespace: string | null
  /** Linux: the kernel's start time of the process, in ticks since boot; null elsewhere. */
  readonly startedTicks: string | null
}

/** `unknown`: a process of another machine or container, or one whose start time cannot be read here. */
export type Liveness = 'alive' | 'dead' | 'unknown'

let identity: ProcessIdentity | undefined

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

/** `/proc/PID/stat` (proc(5)): after the name in parentheses, field 3 is the state and field 22 the start time. */
function kernelEntry(pid: number | 'self'): { readonly state: string; readonly startedTicks: string } | undefined {
  const text = readText(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], startedTicks: fields[19] }
}

/**
 * Whether `/proc` numbers processes as our PID namespace does. `NSpid` (proc(5)) lists the process's number in the
 * namespace that `/proc` was mounted in and in each one inside it: one number where that is ours.
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

/** Two machines may have one name: their network cards tell them apart. */
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

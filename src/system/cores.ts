/** How many cores there are for us. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Those that this process may run on, and no more than its container's share of processor time is worth: a container of
 * two on a machine of 64 sees all 64, and would be stopped most of the time with a process on each. Nor more than Slurm
 * gave, which not every cluster enforces.
 */
export const cores = (): number =>
  Math.min(availableParallelism(), Math.max(1, Math.ceil(processorShare())), allotment(process.env))

/** Of this node's cores, to the job that this process is in; Infinity outside of one. */
function allotment({ SLURM_CPUS_ON_NODE: cpus = '' }: NodeJS.ProcessEnv): number {
  return Number(cpus) > 0 ? Number(cpus) : Number.POSITIVE_INFINITY
}

/**
 * Processor seconds a second that Linux' control groups leave this process, of all groups that it is in; Infinity where
 * none is limited, or where there are none.
 * @param root below which `/proc` and `/sys` are read
 */
export function processorShare(root = '/'): number {
  const groups = (readText(join(root, 'proc/self/cgroup')) ?? '').split('\n').flatMap(groupOf)
  return Math.min(
    ...groups.flatMap(({ hierarchy, path, share }) => upwards(path).map((at) => share(join(root, hierarchy, at)))),
  )
}

interface Group {
  /** Folder that the hierarchy is mounted on. */
  readonly hierarchy: string
  readonly path: string
  readonly share: (folder: string) => number
}

/** A line of `/proc/PID/cgroup` (cgroups(7)): number, controllers, path; version 2 has number 0 and no controllers. */
function groupOf(line: string): readonly Group[] {
  const [number, controllers, ...path] = line.split(':')
  if (path.length === 0) return []
  if (number === '0') return [{ hierarchy: 'sys/fs/cgroup', path: path.join(':'), share: shareOfVersion2 }]
  if (!controllers.split(',').includes('cpu')) return []
  return [{ hierarchy: join('sys/fs/cgroup', controllers), path: path.join(':'), share: shareOfVersion1 }]
}

/** The group and all that it is in. Within a container its own group may be mounted as the topmost. */
function upwards(path: string): readonly string[] {
  const above = dirname(path)
  return above === path ? [path] : [path, ...upwards(above)]
}

/** `max 100000` where there is no limit, else microseconds of quota and period. */
function shareOfVersion2(folder: string): number {
  const [quota, period] = (readText(join(folder, 'cpu.max')) ?? '').split(/\s+/).map(Number)
  return ratio(quota, period)
}

/** A quota of −1 is no limit. */
function shareOfVersion1(folder: string): number {
  const [quota, period] = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((file) => Number(readText(join(folder, file))))
  return ratio(quota, period)
}

const ratio = (quota: number, period: number): number =>
  quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Counts the CPU cores that this process may use: the minimum of CPU affinity, cgroup quota and Slurm allocation. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Returns the number of CPU cores that this process should use: the minimum of CPU affinity, cgroup quota and Slurm
 * allocation. A container with a quota of two cores on a machine of 64 sees all 64, and would be throttled if it ran 64
 * processes. Slurm's allocation counts even on clusters that do not enforce it.
 */
export const cores = (): number =>
  Math.min(availableParallelism(), Math.max(1, Math.ceil(processorShare())), allotment(process.env))

/** Returns the number of cores of this node that Slurm allocated to the job; Infinity outside of a Slurm job. */
function allotment({ SLURM_CPUS_ON_NODE: cpus = '' }: NodeJS.ProcessEnv): number {
  return Number(cpus) > 0 ? Number(cpus) : Number.POSITIVE_INFINITY
}

/**
 * Returns the number of cores that Linux control groups grant this process: the minimum quota over its groups, or
 * Infinity if none has a quota. Fractions are possible.
 * @param root folder that contains `proc` and `sys`; tests set it
 */
export function processorShare(root = '/'): number {
  const groups = (readText(join(root, 'proc/self/cgroup')) ?? '').split('\n').flatMap(groupOf)
  return Math.min(
    ...groups.flatMap(({ hierarchy, path, share }) => upwards(path).map((at) => share(join(root, hierarchy, at)))),
  )
}

interface Group {
  /** Folder at which the hierarchy of control groups is mounted, relative to the root. */
  readonly hierarchy: string
  readonly path: string
  readonly share: (folder: string) => number
}

/**
 * Parses a line of `/proc/PID/cgroup` (cgroups(7)), which describes a control group: number, controllers, path. In
 * version 2 of control groups, the number is 0 and no controllers are named.
 */
function groupOf(line: string): readonly Group[] {
  const [number, controllers, ...path] = line.split(':')
  if (path.length === 0) return []
  if (number === '0') return [{ hierarchy: 'sys/fs/cgroup', path: path.join(':'), share: shareOfVersion2 }]
  if (!controllers.split(',').includes('cpu')) return []
  return [{ hierarchy: join('sys/fs/cgroup', controllers), path: path.join(':'), share: shareOfVersion1 }]
}

/** Returns the path of a control group and the paths of all groups that contain it. */
function upwards(path: string): readonly string[] {
  const above = dirname(path)
  return above === path ? [path] : [path, ...upwards(above)]
}

/**
 * Returns the number of cores that a version 2 control group grants: `cpu.max` has quota and period in microseconds, or
 * `max 100000` if there is no quota.
 */
function shareOfVersion2(folder: string): number {
  const [quota, period] = (readText(join(folder, 'cpu.max')) ?? '').split(/\s+/).map(Number)
  return ratio(quota, period)
}

/** Returns the number of cores that a version 1 control group grants; a quota of −1 there means no quota. */
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

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { cores, processorShare } from '../../src/system/cores.ts'

const roots: string[] = []
afterEach(() =>
  roots.splice(0).forEach((root) => {
    rmSync(root, { recursive: true })
  }),
)

/** A machine's files, as Linux shows them. */
function machine(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'bench-cores-'))
  roots.push(root)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

describe('the share of processor time', () => {
  test('is without end where there are no control groups, or none is limited', () => {
    expect(processorShare(machine({}))).toBe(Number.POSITIVE_INFINITY)
    const unlimited = machine({ 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/cpu.max': 'max 100000\n' })
    expect(processorShare(unlimited)).toBe(Number.POSITIVE_INFINITY)
  })

  test('is that of a container, which sees its own group as the topmost', () => {
    const root = machine({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '150000 100000\n' })
    expect(processorShare(root)).toBe(1.5)
  })

  test('is the smallest of the groups that contain each other', () => {
    const root = machine({
      'proc/self/cgroup': '0::/slice/job/step\n',
      'sys/fs/cgroup/slice/cpu.max': '200000 100000\n',
      'sys/fs/cgroup/slice/job/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/slice/job/step/cpu.max': '400000 100000\n',
    })
    expect(processorShare(root)).toBe(2)
  })

  test('is found in the first version of control groups, too, where −1 is no limit', () => {
    const group = { 'proc/self/cgroup': '5:memory:/x\n3:cpu,cpuacct:/docker/x\n' }
    const folder = 'sys/fs/cgroup/cpu,cpuacct'
    const limited = { [`${folder}/cpu.cfs_quota_us`]: '300000\n', [`${folder}/cpu.cfs_period_us`]: '100000\n' }
    expect(processorShare(machine({ ...group, ...limited }))).toBe(3)
    const free = { ...limited, [`${folder}/cpu.cfs_quota_us`]: '-1\n' }
    expect(processorShare(machine({ ...group, ...free }))).toBe(Number.POSITIVE_INFINITY)
  })

  test('is without end where its files cannot be understood', () => {
    const root = machine({ 'proc/self/cgroup': 'nonsense\n0::/a\n', 'sys/fs/cgroup/a/cpu.max': 'x' })
    expect(processorShare(root)).toBe(Number.POSITIVE_INFINITY)
  })
})

test('the cores are at least one, and no more than the process may run on', () => {
  expect(cores()).toBeGreaterThanOrEqual(1)
  expect(cores()).toBeLessThanOrEqual(availableParallelism())
})

test('the cores are no more than Slurm gave to the job', () => {
  vi.stubEnv('SLURM_CPUS_ON_NODE', '1')
  expect(cores()).toBe(1)
  vi.stubEnv('SLURM_CPUS_ON_NODE', '100000')
  expect(cores()).toBeLessThanOrEqual(availableParallelism())
  vi.unstubAllEnvs()
})

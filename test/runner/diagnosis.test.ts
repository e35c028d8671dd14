import { totalmem } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { diagnose } from '../../src/runner/diagnosis.ts'

afterEach(() => vi.unstubAllEnvs())

const stateOf = async (subject: string) => (await diagnose()).find((finding) => finding.subject === subject)

test('everything that the package contains is found, and nothing is broken', async () => {
  const findings = await diagnose()
  const states = Object.fromEntries(findings.map(({ subject, state }) => [subject, state]))
  expect(states).toMatchObject({ 'backend wasm': 'ok', 'dataset shapes': 'ok', 'table nb201-micro': 'ok' })
  expect(Object.values(states)).not.toContain('broken')
})

test('the memory of the machine is given in GiB', async () => {
  expect((await stateOf('machine'))?.detail).toMatch(
    new RegExp(`; ${(totalmem() / 1024 ** 3).toFixed(1)} GiB of memory$`),
  )
})

test('a data folder that is not writable is reported with the way to name another', async () => {
  for (const folder of ['/dev/null/home', '/proc/home']) {
    vi.stubEnv('NAS_BENCH_HOME', folder)
    expect(await stateOf('data folder')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining('NAS_BENCH_HOME'),
    })
  }
})

test('a missing sbatch is reported', async () => {
  vi.stubEnv('PATH', '/nowhere')
  expect(await stateOf('--slurm')).toMatchObject({ state: 'missing', detail: expect.stringContaining('no sbatch') })
})

import { spawnSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { userFolder, xdgFolder } from '../../src/system/userFolder.ts'

afterEach(() => vi.unstubAllEnvs())

const { homedir: home } = userInfo()
const usual = { NAS_BENCH_HOME: '/own', XDG_DATA_HOME: '/data', HOME: '/home/me' }

test.each([
  [usual, '/own/tables'],
  [{ ...usual, NAS_BENCH_HOME: '' }, '/data/nas-bench-harness/tables'],
  [{ ...usual, NAS_BENCH_HOME: '', XDG_DATA_HOME: '' }, '/home/me/.local/share/nas-bench-harness/tables'],
  [{ ...usual, NAS_BENCH_HOME: '', XDG_DATA_HOME: 'not/absolute' }, '/home/me/.local/share/nas-bench-harness/tables'],
  [{ NAS_BENCH_HOME: '', XDG_DATA_HOME: '', HOME: '' }, `${home}/.local/share/nas-bench-harness/tables`],
])('with %j a user’s tables are in %s', (variables, folder) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  expect(userFolder('tables')).toBe(folder)
})

test('an empty cache variable counts as not set', () => {
  vi.stubEnv('XDG_CACHE_HOME', '')
  vi.stubEnv('HOME', '/home/me')
  expect(xdgFolder('XDG_CACHE_HOME', '.cache')).toBe('/home/me/.cache')
  vi.stubEnv('XDG_CACHE_HOME', '/cache')
  expect(xdgFolder('XDG_CACHE_HOME', '.cache')).toBe('/cache')
})

/** A user that the system does not list, as containers run under; root alone can become one. */
test.skipIf(process.getuid?.() !== 0)('a user without a home folder is told what to set', () => {
  const code = `import { userFolder } from ${JSON.stringify(new URL('../../dist/system/userFolder.js', import.meta.url).href)}
    process.setuid(54321)
    try { userFolder() } catch ({ name, message }) { console.log(name + ': ' + message) }`
  const env = { PATH: process.env.PATH, HOME: '' }
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', env })
  expect(stdout).toBe(
    'BenchError: this user has no home folder; set NAS_BENCH_HOME to a folder for tables and datasets\n',
  )
})

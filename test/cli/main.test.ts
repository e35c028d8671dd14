import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { Workplace } from '../support/command.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 120_000 })

const place = new Workplace()
afterAll(() => place.remove())

test.each([
  ['help run', 'run --help'],
  ['help data fetch', 'data fetch --help'],
])('bench %s shows what bench %s does', async (help, flag) => {
  const shown = await place.bench(...help.split(' '))
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('Examples:') })
  expect(shown.stdout).toBe((await place.bench(...flag.split(' '))).stdout)
})

test('a command that hangs fails with a message', async () => {
  writeFileSync(join(place.folder, 'endless.ts'), 'await new Promise(() => {})\nexport default {}')
  const { code, stderr } = await place.bench('check', 'plugin', 'endless.ts')
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'bench: the command hangs: it waits for a promise that nothing will resolve\n',
  })
})

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { setup } from './support/temporaryFolder.ts'

const inProcess = () => execFileSync(process.execPath, ['-p', 'os.tmpdir()'], { encoding: 'utf8' }).trim()

test('the tests and the processes that they start have a temporary folder of this run alone', () => {
  expect(basename(tmpdir())).toMatch(/^tests-/)
  expect(inProcess()).toBe(tmpdir())
})

test('a second run has another folder, and deletes it at its end with all that is left in it', () => {
  const first = tmpdir()
  const remove = setup()
  const second = tmpdir()
  expect(second).not.toBe(first)
  expect(dirname(second)).toBe(first)
  expect(inProcess()).toBe(second)
  mkdirSync(join(second, 'left'))
  writeFileSync(join(second, 'left/file'), '')
  remove()
  expect([existsSync(second), existsSync(first), tmpdir()]).toEqual([false, true, first])
})

/**
 * Gives a run of the tests a temporary folder of its own, also for the processes that the tests start, and deletes it at the
 * end with all that is left there. The name is short, since the path of a socket may have about 100 characters.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'tests-'))
  // As open as a temporary folder usually is, for tests that become another user.
  chmodSync(folder, 0o1777)
  const { TMPDIR } = process.env
  process.env.TMPDIR = folder
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  // An interrupted run ends without a teardown.
  process.once('exit', remove)
  return () => {
    process.off('exit', remove)
    remove()
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  }
}

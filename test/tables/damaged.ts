/**
 * Reads damaged copies of a file: each is read or refused with one line, in little time and memory. 60 copies in the
 * everyday run of the tests; as many as are asked for with
 *
 *     TMPDIR=/dev/shm MUTATIONS=10000 npx vitest run damage
 *
 * which takes a minute a reader where temporary files lie in memory.
 */
import { afterAll, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { mutations } from './mutations.ts'

const COUNT = Number(process.env.MUTATIONS ?? 60)
const MOST_CPU_SECONDS = 2
const MOST_RESIDENT_MB = 1200

/** A test that `read` survives damage of every kind to the bytes that `whole` gives. */
export function survivesDamage(
  what: string,
  whole: () => Uint8Array | Promise<Uint8Array>,
  read: (damaged: Uint8Array<ArrayBuffer>) => Promise<unknown>,
): void {
  test(
    what,
    async () => {
      const bytes = await whole()
      await read(Uint8Array.from(bytes))
      let refused = 0
      for (const damaged of mutations(bytes, COUNT, 7)) if (await isRefused(damaged, read)) refused++
      expect(refused).toBeGreaterThan(COUNT / 10)
    },
    10_000 + 200 * COUNT,
  )
}

async function isRefused(damaged: Uint8Array<ArrayBuffer>, read: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>) {
  const before = process.cpuUsage()
  try {
    await read(damaged)
    return false
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    expect(error.message).not.toContain('\n')
    return true
  } finally {
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1e6).toBeLessThan(MOST_CPU_SECONDS)
  }
}

/** For a file of such tests, which has a process of its own. */
export const needsLittleMemory = () =>
  afterAll(() => expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(MOST_RESIDENT_MB))

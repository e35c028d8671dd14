/**
 * Reads damaged copies of a file: each is read or refused with one line, in little time and memory; where the format
 * has a checksum, what is read is what the whole file gives. 30 copies in the everyday run of the tests, six times as
 * many in full; as many as are asked for with
 *
 *     TMPDIR=/dev/shm MUTATIONS=10000 npx vitest run test/tables/damage.test.ts --reporter=verbose
 *
 * which takes one to two minutes a reader where temporary files lie in memory, and prints what became of them.
 */
import { isDeepStrictEqual } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { damagedCopies } from '../support/full.ts'
import { COPIES_BETWEEN_COLLECTIONS, endOfTurn, MOST_KEPT_MB, retainedMb } from '../support/retained.ts'
import { mutations } from './mutations.ts'

const COUNT = damagedCopies(30)
const MOST_CPU_SECONDS = 2
const MOST_GROWTH_MB = 500

export interface Damage {
  /** Whether damage has to be noticed: a copy that is read gives the same as the whole. */
  readonly hasChecksum?: boolean
  /** Makes the damaged copies; absent: of any bytes. */
  readonly copies?: typeof mutations
  /** What damage may not change in silence, as the shape of images, of what was read. */
  readonly fixed?: (found: unknown) => unknown
  /** Fewer copies, of a reader that is slow. */
  readonly share?: number
}

/** A test that `read` survives damage of every kind to the bytes that `whole` gives. */
export function survivesDamage(
  what: string,
  whole: () => Uint8Array | Promise<Uint8Array>,
  read: (damaged: Uint8Array<ArrayBuffer>) => Promise<unknown>,
  { hasChecksum = false, copies = mutations, fixed = () => undefined, share = 1 }: Damage = {},
): void {
  const count = Math.ceil(COUNT * share)
  test(
    what,
    async () => {
      const bytes = await whole()
      const expected = await read(Uint8Array.from(bytes))
      const seen = { refused: 0, same: 0, changed: 0, mostSeconds: 0 }
      const isLong = count > COPIES_BETWEEN_COLLECTIONS
      const keptBefore = isLong ? retainedMb() : 0
      const before = process.resourceUsage().maxRSS
      let made = 0
      for (const damaged of copies(bytes, count, 7)) {
        if (++made % COPIES_BETWEEN_COLLECTIONS === 0) retainedMb()
        const start = process.cpuUsage()
        const found = await orRefusal(() => read(damaged))
        const { user, system } = process.cpuUsage(start)
        const seconds = (user + system) / 1e6
        expect(seconds).toBeLessThan(MOST_CPU_SECONDS)
        seen.mostSeconds = Math.max(seen.mostSeconds, seconds)
        if (found === REFUSED) seen.refused++
        else if (isDeepStrictEqual(found, expected)) seen.same++
        else seen.changed++
        if (found !== REFUSED) expect(fixed(found)).toEqual(fixed(expected))
        await endOfTurn()
      }
      const growthMb = Math.round((process.resourceUsage().maxRSS - before) / 1024)
      const keptMb = isLong ? Math.round(retainedMb() - keptBefore) : 0
      if (process.env.MUTATIONS !== undefined) console.log(what, { count, ...seen, growthMb, keptMb })
      expect(seen.refused).toBeGreaterThan(count / 10)
      if (hasChecksum) expect(seen.changed).toBe(0)
      expect(growthMb).toBeLessThan(MOST_GROWTH_MB)
      expect(keptMb).toBeLessThan(MOST_KEPT_MB)
    },
    20_000 + 1000 * count,
  )
}

const REFUSED = Symbol('refused')

/** What reading gives, or that it is refused with one line. */
async function orRefusal(read: () => Promise<unknown>): Promise<unknown> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof BenchError)) throw error
    expect(error.message).not.toContain('\n')
    return REFUSED
  }
}

const MOST_RESIDENT_MB = 1200

/** For a file of such tests, which has a process of its own. */
export const needsLittleMemory = () =>
  afterAll(() => expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(MOST_RESIDENT_MB))

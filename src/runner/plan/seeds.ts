/** Seeds as a user writes them. */
import { BenchError } from '../../core/errors.ts'

/** A typing error should not plan a million runs. */
const MOST = 100_000

/**
 * `4` → 0, 1, 2, 3; `0-3,777` → those; `777,` → 777 alone. Ascending, each once.
 *
 * @throws BenchError `bad-input`
 */
export function parseSeeds(text: string): readonly number[] {
  const trimmed = text.trim()
  const seeds = /^\d+$/.test(trimmed) ? firstSeeds(Number(trimmed)) : listed(trimmed)
  return ascending(seeds, `--seeds ${text} asks for no seed at all; --seeds 4 means the seeds 0 to 3`)
}

/**
 * Where seeds are chosen from a list, a number alone is that seed: `777` → 777; `0-3,777` → those.
 *
 * @throws BenchError `bad-input`
 */
export function parseSeedList(text: string): readonly number[] {
  return ascending(listed(text.trim()), `--seeds ${text} names no seed; write 777 or 0-3,777`)
}

/** Each once. @param none what is wrong where there is none */
function ascending(seeds: readonly number[], none: string): readonly number[] {
  if (seeds.length === 0) throw new BenchError('bad-input', none)
  if (seeds.length > MOST)
    throw new BenchError('bad-input', `--seeds asks for ${seeds.length} seeds, more than ${MOST}`)
  return [...new Set(seeds)].sort((a, b) => a - b)
}

function firstSeeds(count: number): number[] {
  if (count > MOST)
    throw new BenchError('bad-input', `--seeds ${count} is more than ${MOST}; for one seed write "${count},"`)
  return Array.from({ length: count }, (_, seed) => seed)
}

function listed(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim())
  return parts.filter((part, i) => part !== '' || i < parts.length - 1).flatMap((part) => range(part, text))
}

function range(part: string, text: string): number[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(part)
  if (match === null) {
    throw new BenchError(
      'bad-input',
      `--seeds ${text}: "${part}" is neither a seed nor a range; write 4, 0-3 or 0-3,777`,
    )
  }
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  if (last < first || last - first >= MOST || last > Number.MAX_SAFE_INTEGER) {
    throw new BenchError('bad-input', `--seeds ${text}: the range ${part} is empty or too long`)
  }
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

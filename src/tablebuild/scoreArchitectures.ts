/** Chooses the architectures of `bench score --architectures`: a number of random ones, all, or those in a file. */
import { readFileSync } from 'node:fs'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { random } from '../core/random.ts'
import { type Genotype, type SearchSpace, sample } from '../core/space.ts'

/**
 * Returns the architectures that the user asks for: a number of random ones (a larger number includes those of a
 * smaller one), `all`, or those in a file with one architecture string per line.
 * @throws BenchError `bad-input` or `missing`
 */
export function chosenArchitectures<G extends Genotype>(space: SearchSpace<G>, text: string): string[] {
  const { numbering } = space
  if (text === 'all') {
    if (numbering !== undefined) return Array.from({ length: numbering.count }, (_, i) => space.format(numbering.at(i)))
    throw new BenchError('bad-input', `--architectures all: ${space.name} has too many; give a number or a file`)
  }
  if (!/^\d+$/.test(text)) return architecturesIn(space, text)
  const count = Number(text)
  if (count < 2) throw new BenchError('bad-input', `--architectures ${count}: scores rank, so give at least 2`)
  if (numbering === undefined) return drawn(space, count)
  if (count > numbering.count) {
    throw new BenchError(
      'bad-input',
      `--architectures ${count}: ${space.name} has ${numbering.count}; give at most that`,
    )
  }
  const order = random(0, 'score', 'architectures').permutation(numbering.count)
  return Array.from(order.slice(0, count), (index) => space.format(numbering.at(index)))
}

function drawn<G extends Genotype>(space: SearchSpace<G>, count: number): string[] {
  const stream = random(0, 'score', 'architectures')
  const found = new Set<string>()
  while (found.size < count) found.add(space.format(sample(space, stream)))
  return [...found]
}

function architecturesIn<G extends Genotype>(space: SearchSpace<G>, path: string): string[] {
  const lines = readLines(path)
  const named = lines.flatMap((line, i) => {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return []
    try {
      return [space.format(space.parse(text))]
    } catch (error) {
      if (error instanceof BenchError) throw new BenchError('bad-input', `${path}, line ${i + 1}: ${error.message}`)
      throw error
    }
  })
  const distinct = [...new Set(named)]
  if (distinct.length > 1) return distinct
  throw new BenchError(
    'bad-input',
    `${path} names ${pluralize(distinct.length, 'architecture')}; scores rank, so give 2`,
  )
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch (cause) {
    const found = `--architectures ${path} is neither a number, nor "all", nor a file that can be read`
    throw new BenchError('missing', `${found}; give one of these`, { cause })
  }
}

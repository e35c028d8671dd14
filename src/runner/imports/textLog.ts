/**
 * Reads the text log of one search: lines that begin an epoch, and lines with the present architecture, as the code of
 * DARTS, DrNAS, PC-DARTS, confopt and NAS-Bench-201 writes them.
 */
import { beyondLimit, limitOf } from '../../system/limits.ts'
import type { ForeignPoint, ForeignRun, Reading } from './foreignRuns.ts'

/** Matches the beginning of an architecture in a line: a NAS-Bench-201 string or a DARTS genotype. */
const ARCHITECTURE = /\|\s*[\w-]+\s*~\s*\d\s*\||\bGenotype\s*\(/

/** Matches the beginning of an epoch: `epoch 3 lr …`, `Epoch: 3`, `Epoch [3/50]`, `epoch=3`. */
const EPOCH = /\bepoch\b\s*(?:[:=#]\s*)?[[(]?\s*(\d{1,6})\b/i

/** Matches the beginning of an epoch in logs of NAS-Bench-201's code: `The 003-050-th epoch`. */
const NUMBERED_EPOCH = /\b(\d{1,6})-\d{1,6}-?th epoch/i

/** Matches the seed among the arguments that a log prints: `seed=3`, `'seed': 3`, `--seed 3`. */
const SEED = /\b(?:rand_|manual_|random_)?seed['"]?\s*[=:\s]\s*(\d{1,15})\b/i

/** Returns the run in a text log. @throws BenchError `bad-input` that names the faulty line */
export function readLog(text: string, reading: Reading): readonly ForeignRun[] {
  const { name, options } = reading
  const points: (Omit<ForeignPoint, 'genotype'> & Partial<ForeignPoint>)[] = []
  let epoch: number | undefined
  let first: number | undefined
  let offset = 0
  let seed: number | undefined
  for (const [at, line] of text.split(/\r\n|\r|\n/).entries()) {
    const place = `line ${at + 1}`
    if (line.length > limitOf('csv-line-kib') * 2 ** 10) {
      throw beyondLimit('csv-line-kib', `${name}, ${place}, has more than ${limitOf('csv-line-kib')} KiB`)
    }
    const begin = ARCHITECTURE.exec(line)?.index
    const before = begin === undefined ? line : line.slice(0, begin)
    if (epoch === undefined && seed === undefined) seed = numberIn(SEED, before)
    const number = numberIn(NUMBERED_EPOCH, before) ?? numberIn(EPOCH, before)
    if (number !== undefined) {
      first ??= number
      // The epochs of a further stage count from the beginning again; those of a resumed search from where it resumed.
      if (epoch !== undefined && number === first && epoch > number + offset) offset = epoch + 1 - first
      epoch = number + offset
    }
    if (begin === undefined) continue
    const genotype = reading.genotype(line.slice(begin).trim(), place)
    // A later line of an epoch counts, and a resumed search replaces what it did after its checkpoint.
    while (epoch !== undefined && (points.at(-1)?.epoch ?? -1) >= epoch) points.pop()
    points.push({ place, ...(genotype && { genotype }), ...(epoch !== undefined && { epoch }) })
  }
  if (points.length === 0) return []
  const run = {
    method: options.method ?? missing(reading, 'method', 'the name of the method'),
    seed: options.seed ?? seedIn(name) ?? seed ?? missing(reading, 'seed', 'the seed of the search'),
    dataset: options.dataset ?? missing(reading, 'dataset', 'the dataset that was searched on'),
  }
  // What stands before the first epoch, as the arguments of the program, is not an answer if there are epochs.
  const inEpochs = points.filter((point) => point.epoch !== undefined)
  for (const point of inEpochs.length > 0 ? inEpochs : points.map((point, i) => ({ ...point, epoch: i }))) {
    reading.add(run, point)
  }
  return reading.runs()
}

function numberIn(pattern: RegExp, line: string): number | undefined {
  const found = pattern.exec(line)
  return found === null ? undefined : Number(found[1])
}

/** Returns the seed in the name of a file, such as `drnas-seed3.log`. */
const seedIn = (name: string): number | undefined => numberIn(/seed[-_=]?(\d{1,15})/i, name)

function missing(reading: Reading, what: string, meaning: string): never {
  throw reading.fault('line 1', `a log does not say ${meaning}; give --${what}`)
}

/** Reads runs of other programs from files: what each search answered, and when. The formats are listed here. */
import { basename } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { beyondLimit, checkLimit, limitOf } from '../../system/limits.ts'
import { openSource } from '../../tables/importers/sourceFile.ts'
import { recordRows, separatedRows } from './rows.ts'

/** The architecture that a search of another program would have answered at some point. */
export interface ForeignPoint {
  readonly genotype: Genotype
  /** Place in the file for messages, such as `line 12`. */
  readonly place: string
  /** Epoch in the numbering of the file; absent: the file has no epochs. */
  readonly epoch?: number
  /** Seconds since the search began; absent: unknown. */
  readonly seconds?: number
}

/** A run of another program, read from a file. */
export interface ForeignRun {
  readonly method: string
  readonly seed: number
  readonly dataset: string
  /** What the search answered, in the order of the file; the last one is its final answer. Never empty. */
  readonly points: readonly ForeignPoint[]
  /** Number of epochs that the search did, where the file says it without saying the architecture of each. */
  readonly epochs?: number
  /** Validation accuracy (%) and seconds spent, where the file has them without their architectures. */
  readonly queries?: readonly { readonly accuracyPct: number; readonly usedSeconds: number }[]
}

/** The runs of a file, and what was left out of it. */
export interface ForeignFile {
  readonly runs: readonly ForeignRun[]
  /** Number of lines with an architecture that the space does not have; above 0 only with `skipUnknown`. */
  readonly skipped: number
  /** Number of runs that were left out because their final architecture is one of those. */
  readonly skippedRuns: number
}

/** What the user says about the runs of a file. */
export interface ForeignOptions {
  readonly space: SearchSpace
  /** Name of the method, where the file has none, or in place of the one that it has. */
  readonly method?: string
  readonly seed?: number
  readonly dataset?: string
  /** Epoch, in the numbering of the file, whose architecture is the answer; the rest is left out. Absent: the last. */
  readonly answerEpoch?: number
  /** Whether lines with architectures that the space does not have are left out; absent: they are errors. */
  readonly skipUnknown?: boolean
}

/** A format of files with runs. */
interface Format {
  /** Name of the format, for messages and records. */
  readonly name: string
  /** Tells from the content of a file whether it has this format. */
  matches(text: string): boolean
  read(text: string, reading: Reading): readonly ForeignRun[] | Promise<readonly ForeignRun[]>
}

/** All formats, in the order in which a file is tested for them. */
const formats: readonly Format[] = [
  {
    name: 'NASLib',
    matches: (text) => /^\s*[[{]/.test(text) && /"(?:train|valid)_acc"\s*:\s*\[/.test(text),
    read: async (text, reading) => (await import('./naslib.ts')).readNaslib(text, reading),
  },
  { name: 'JSON lines', matches: (text) => /^\s*[[{]\s*[{"]/.test(text), read: recordRows },
  { name: 'CSV', matches: (text) => /^[^\n|(]*\barch(itecture)?\b[^\n|(]*(\r?\n|$)/.test(text), read: separatedRows },
  {
    name: 'log',
    matches: () => true,
    read: async (text, reading) => (await import('./textLog.ts')).readLog(text, reading),
  },
]

/** The file that is being read, what the user says about it, and the architectures found so far. */
export class Reading {
  readonly path: string
  /** Name of the file, for messages. */
  readonly name: string
  readonly options: ForeignOptions
  skipped = 0
  readonly #known = new Map<string, Genotype>()
  readonly #points = new Map<string, ForeignPoint[]>()
  /** Runs whose latest line has an architecture that the space does not have. */
  readonly #lost = new Set<string>()

  constructor(path: string, options: ForeignOptions) {
    this.path = path
    this.name = basename(path)
    this.options = options
  }

  /** Returns the error about a place of the file. */
  fault(place: string, problem: string): BenchError {
    return new BenchError('bad-input', `${this.name}, ${place}: ${problem}`)
  }

  /**
   * Returns the architecture in a text; undefined if the space does not have it and the user skips such lines.
   * @throws BenchError `bad-input` with the place
   */
  genotype(text: string, place: string): Genotype | undefined {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    try {
      checkLimit('architecture-length', text.length, `${this.name}, ${place}: the architecture`)
      const genotype = this.options.space.parse(text)
      this.#known.set(text, genotype)
      return genotype
    } catch (error) {
      if (!this.options.skipUnknown) {
        throw this.fault(place, `${(error as Error).message}; --skip-unknown leaves such lines out`)
      }
      this.skipped++
      return undefined
    }
  }

  /** Adds what a run answered at some point; a genotype of undefined was skipped. */
  add(
    run: Omit<ForeignRun, 'points'>,
    { genotype, ...point }: Partial<ForeignPoint> & { readonly place: string },
  ): void {
    const key = JSON.stringify([run.method, run.seed, run.dataset])
    let points = this.#points.get(key)
    if (points === undefined) {
      points = []
      this.#points.set(key, points)
      checkLimit('runs-number', this.#points.size, this.name)
    }
    if (genotype === undefined) this.#lost.add(key)
    else {
      this.#lost.delete(key)
      points.push({ genotype, ...point })
      checkLimit(
        'run-points',
        points.length,
        `${this.name}, ${point.place}: the run of ${run.method}, seed ${run.seed},`,
      )
    }
  }

  /** Returns the runs that were added, without those whose final architecture was skipped. */
  runs(): readonly ForeignRun[] {
    return [...this.#points].flatMap(([key, points]) => {
      if (this.#lost.has(key)) return []
      const [method, seed, dataset] = JSON.parse(key) as [string, number, string]
      return [{ method, seed, dataset, points }]
    })
  }

  get skippedRuns(): number {
    return this.#lost.size
  }
}

/**
 * Reads the runs of a file of any known format, gzipped or not.
 * @returns the runs, and the format and SHA-256 of the file
 * @throws BenchError `bad-input` with the line at fault
 */
export async function readForeignRuns(
  path: string,
  options: ForeignOptions,
): Promise<ForeignFile & { readonly format: string; readonly sha256: string }> {
  const source = await openSource(path)
  const text = await boundedText(path)
  const reading = new Reading(path, options)
  if (text.trim() === '')
    throw new BenchError('bad-input', `${reading.name} is empty; expected runs or the log of a search`)
  const format = formats.find(({ matches }) => matches(text)) as Format
  const runs = await format.read(text, reading)
  if (runs.length === 0 && reading.skipped === 0) {
    const expected = 'expected a CSV file, JSON lines, errors.json of NASLib, or a log with architectures'
    throw new BenchError('bad-input', `${reading.name} has no architectures of ${options.space.name}; ${expected}`)
  }
  const { skipped, skippedRuns } = reading
  return { runs, skipped, skippedRuns, format: format.name, sha256: await source.sha256() }
}

/** Returns the text of a file, unpacked if it is gzipped. @throws BenchError if it is too long or not text */
export async function boundedText(path: string): Promise<string> {
  const source = await openSource(path)
  const most = limitOf('runs-mib') * 2 ** 20
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of source.stream() as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      if (bytes > most) throw beyondLimit('runs-mib', `${source.name} has more than ${limitOf('runs-mib')} MiB`)
      chunks.push(chunk)
    }
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    throw new BenchError('bad-input', `${source.name} cannot be read to its end: ${(cause as Error).message}`, {
      cause,
    })
  }
  const content = Buffer.concat(chunks)
  if (content.includes(0)) throw new BenchError('bad-input', `${source.name} is not text; expected CSV, JSON or a log`)
  return content.toString('utf8').replace(/^\ufeff/, '')
}

/**
 * Reads runs of other programs' searches from files: the architectures that each search gave, with epoch or time. The
 * list of known file formats is here.
 */
import { basename } from 'node:path'
import { BenchError } from '../../core/errors.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { builtinSpaces } from '../../spaces/index.ts'
import { beyondLimit, checkLimit, limitOf } from '../../system/limits.ts'
import { openSource } from '../../tables/importers/sourceFile.ts'
import { recordRows, separatedRows } from './rows.ts'

/** The architecture that a search of another program gave as its answer at some epoch or time. */
export interface ForeignPoint {
  readonly genotype: Genotype
  /** Place of this architecture in the file, for messages, such as `line 12`. */
  readonly place: string
  /** Epoch of this architecture, as numbered in the file; absent: the file has no epochs. */
  readonly epoch?: number
  /** Seconds from the beginning of the search to this architecture; absent: unknown. */
  readonly seconds?: number
}

/** A run of another program, read from a file. */
export interface ForeignRun {
  readonly method: string
  readonly seed: number
  readonly dataset: string
  /** Architectures that the search gave, in the order of the file. The last one is its final answer. Never empty. */
  readonly points: readonly ForeignPoint[]
  /** Number of epochs of the search, if the file states it without an architecture for each epoch. */
  readonly epochs?: number
  /** Validation accuracies (%) and seconds spent, if the file has them without their architectures. */
  readonly queries?: readonly { readonly accuracyPct: number; readonly usedSeconds: number }[]
}

/** The runs read from a file, and how much was left out. */
export interface ForeignFile {
  readonly runs: readonly ForeignRun[]
  /**
   * Number of lines left out because the search space does not have their architecture; above 0 only with
   * `skipUnknown`.
   */
  readonly skipped: number
  /** Number of runs left out because the search space does not have their final architecture. */
  readonly skippedRuns: number
}

/** What the user specified about the runs in a file, in place of or beside its content. */
export interface ForeignOptions {
  readonly space: SearchSpace
  /** Name of the search method; replaces the name in the file, if there is one. */
  readonly method?: string
  readonly seed?: number
  readonly dataset?: string
  /**
   * Epoch, as numbered in the file, whose architecture is the search's answer; later epochs are left out. Absent: the
   * last.
   */
  readonly answerEpoch?: number
  /** Whether lines with architectures that the search space does not have are left out; absent: they are errors. */
  readonly skipUnknown?: boolean
}

/** A file format for runs of other programs. */
interface Format {
  /** Name of the file format, for messages and records. */
  readonly name: string
  /** Returns whether a file with this content has this format. */
  matches(text: string): boolean
  read(text: string, reading: Reading): readonly ForeignRun[] | Promise<readonly ForeignRun[]>
}

/** All known file formats, in the order in which a file is tested for them. */
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

/** State while a file is read: the user's options and the architectures found so far in each run. */
export class Reading {
  readonly path: string
  /** Name of the file being read, for messages. */
  readonly name: string
  readonly options: ForeignOptions
  skipped = 0
  readonly #known = new Map<string, Genotype>()
  readonly #points = new Map<string, ForeignPoint[]>()
  /** Keys of the runs whose latest line has an architecture that the search space does not have. */
  readonly #lost = new Set<string>()

  constructor(path: string, options: ForeignOptions) {
    this.path = path
    this.name = basename(path)
    this.options = options
  }

  /** Returns an error that names the file and a place in it, such as `line 12`. */
  fault(place: string, problem: string): BenchError {
    return new BenchError('bad-input', `${this.name}, ${place}: ${problem}`)
  }

  /**
   * Parses an architecture; returns undefined if the search space does not have it and the user skips such lines.
   * @throws BenchError `bad-input` that names the place
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
      if (!this.options.skipUnknown) throw this.fault(place, this.#problemOf(text, error as Error))
      this.skipped++
      return undefined
    }
  }

  /**
   * Says why an architecture cannot be read: that it is one of another search space, if it is, else what is wrong with
   * its text.
   */
  #problemOf(text: string, { message }: Error): string {
    const isLong = text.length > limitOf('architecture-length')
    const other = isLong ? undefined : Object.values(builtinSpaces).find((space) => canRead(space, text))
    if (other === undefined) return `${message}; --skip-unknown leaves such lines out`
    const found = `an architecture of the search space ${other.name}, not of ${this.options.space.name}`
    return `${found}; give --space ${other.name}, or leave such lines out with --skip-unknown`
  }

  /** Adds an architecture to a run. An undefined genotype stands for one that was skipped. */
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

function canRead(space: SearchSpace, text: string): boolean {
  try {
    space.parse(text)
    return true
  } catch {
    return false
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

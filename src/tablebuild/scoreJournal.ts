/**
 * The journal of a table of scores: a file with the rows and columns that commands requested and every computed score.
 * A line is written as soon as an architecture is scored, so that an interrupted command loses nothing.
 */
import type { Score } from '../core/score.ts'
import { LineFile } from './journal.ts'

/** A line of the journal: requested rows (architectures), a requested column, or the scores of one architecture. */
type Line =
  | { readonly kind: 'rows'; readonly archs: readonly string[] }
  | ({ readonly kind: 'column' } & KnownColumn)
  | ({ readonly kind: 'ranks' } & KnownRanks)
  | { readonly kind: 'scores'; readonly arch: string; readonly values: Readonly<Record<string, number>> }

/** A requested column of the table: one score with one seed. */
export interface KnownColumn {
  readonly identity: string
  readonly name: string
  /** Name of the column with the means of this score over the seeds; this column's name if the score has no seed. */
  readonly mean: string
  readonly seed: number
  readonly better: Score['better']
  /** Whether architectures that define the same network share one value, that of the first of them. */
  readonly shared: boolean
}

/** A requested column of a score that combines ranks, with the names of the columns whose ranks it combines. */
export interface KnownRanks {
  readonly score: string
  readonly name: string
  readonly parts: readonly string[]
}

/** Reads and appends to the journal of a table of scores. */
export class ScoreJournal {
  readonly #file: LineFile<Line>
  readonly rows = new Set<string>()
  /** Requested columns by name. If a column was requested with several identities, the latest one counts. */
  readonly columns = new Map<string, KnownColumn>()
  readonly ranks = new Map<string, KnownRanks>()
  readonly #values = new Map<string, Map<string, number>>()

  private constructor(file: LineFile<Line>) {
    this.#file = file
    for (const line of file.records) this.#take(line)
  }

  /** Opens the journal in a file; if the file does not exist, the journal is empty. */
  static async open(path: string): Promise<ScoreJournal> {
    return new ScoreJournal(await LineFile.open<Line>(path))
  }

  close(): void {
    this.#file.close()
  }

  addRows(archs: readonly string[]): void {
    const missing = archs.filter((arch) => !this.rows.has(arch))
    if (missing.length > 0) this.#append({ kind: 'rows', archs: missing })
  }

  addColumn(column: KnownColumn): void {
    if (this.columns.get(column.name)?.identity !== column.identity) this.#append({ kind: 'column', ...column })
  }

  addRanks(ranks: KnownRanks): void {
    if (JSON.stringify(this.ranks.get(ranks.name)) !== JSON.stringify(ranks)) this.#append({ kind: 'ranks', ...ranks })
  }

  addValues(arch: string, values: Readonly<Record<string, number>>): void {
    this.#append({ kind: 'scores', arch, values })
  }

  value(arch: string, identity: string): number | undefined {
    return this.#values.get(identity)?.get(arch)
  }

  #append(line: Line): void {
    this.#file.append(line)
    this.#take(line)
  }

  #take(line: Line): void {
    switch (line.kind) {
      case 'rows':
        for (const arch of line.archs) this.rows.add(arch)
        break
      case 'column': {
        const { kind: _, ...column } = line
        this.columns.set(column.name, column)
        break
      }
      case 'ranks': {
        const { kind: _, ...ranks } = line
        this.ranks.set(ranks.name, ranks)
        break
      }
      case 'scores':
        for (const [identity, value] of Object.entries(line.values)) {
          const known = this.#values.get(identity) ?? new Map<string, number>()
          this.#values.set(identity, known.set(line.arch, value))
        }
    }
  }
}

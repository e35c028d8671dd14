/** The papers' own numbers, kept as data in `reports/published/`: document, table and row for each. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import type { Column } from './comparison.ts'

/** As printed, with the number that it says where it says one; `-` where the document has none. */
export interface PublishedValue {
  readonly text: string
  readonly mean?: number
  readonly std?: number
}

export type PublishedTable = Readonly<z.infer<typeof tableSchema>> & { readonly document: string }

const columnSchema = z.strictObject({
  title: z.string(),
  unit: z.string().optional(),
  better: z.enum(['higher', 'lower']).optional(),
  /** Ours, so that the column can stand beside ours: `cifar10` and `validation` or `test`. */
  dataset: z.string().optional(),
  /** Where the architectures were searched on another dataset than that. */
  searchedOn: z.string().optional(),
  split: z.enum(['validation', 'test']).optional(),
})

const rowSchema = z.strictObject({
  method: z.string(),
  /** Our name of the algorithm. */
  algorithm: z.string().optional(),
  /** With which options ours is this method, where not by default. */
  options: z.record(z.string(), z.string()).optional(),
  note: z.string().optional(),
  values: z.array(z.string().transform(parseValue)),
})

const tableSchema = z
  .strictObject({
    id: z.string(),
    /** Where in the document. */
    place: z.string(),
    title: z.string(),
    space: z.string().optional(),
    seeds: z.coerce.number().int().optional(),
    columns: z.array(columnSchema).min(1),
    rows: z.array(rowSchema).min(1),
  })
  .refine(({ columns, rows }) => rows.every(({ values }) => values.length === columns.length), {
    message: 'a row has more or fewer values than there are columns',
  })

const documentSchema = z.strictObject({ document: z.string(), tables: z.array(tableSchema) })

/** Loaded when rows are read: most tables show none. */
const loadYaml = () => createRequire(import.meta.url)('yaml') as typeof import('yaml')

const FOLDER = new URL('../../../reports/published/', import.meta.url)

/** The position of the column that holds the same numbers as ours: dataset, split, and dataset searched on. -1: none. */
export const positionOf = (
  { columns }: Pick<PublishedTable, 'columns'>,
  ours: Pick<Column, 'dataset' | 'split' | 'searchedOn'>,
): number =>
  columns.findIndex(
    ({ dataset, split, searchedOn = dataset }) =>
      dataset === ours.dataset && split === ours.split && searchedOn === ours.searchedOn,
  )

/** All published tables, in the order of their files' names. @throws BenchError `corrupt` */
export function publishedTables(folder: URL = FOLDER): readonly PublishedTable[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .flatMap((name) => parsePublished(readFileSync(new URL(name, folder), 'utf8'), name))
}

/** The tables of one document. Values are read as text, so that 2.50 stays 2.50. @throws BenchError `corrupt` */
export function parsePublished(text: string, name: string): readonly PublishedTable[] {
  const parsed = documentSchema.safeParse(loadYaml().parse(text, { schema: 'failsafe' }))
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues
    throw new BenchError('corrupt', `published rows ${name}: ${path.join('.')}: ${message}`)
  }
  const { document, tables } = parsed.data
  return tables.map((table) => ({ ...table, document }))
}

function parseValue(text: string): PublishedValue {
  const [, mean, std] = /^(\.?\d[\d.e-]*)(?: ± (\d[\d.]*))?$/.exec(text) ?? []
  if (mean === undefined) return { text }
  return { text, mean: Number(mean), ...(std !== undefined && { std: Number(std) }) }
}

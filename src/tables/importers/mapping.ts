/**
 * Reads a user's mapping, a YAML file that states what a source does not: the meaning of its columns, their units,
 * seed, split.
 */
import { z } from 'zod'
import { BenchError } from '../../core/errors.ts'
import { oneOrMore, readYaml } from '../../system/yamlFile.ts'
import { type ColumnRole, roleOf } from '../columnNames.ts'
import type { FlatColumn } from './flatRows.ts'

const unit = z.enum(['percent', 'fraction'])

const schema = z
  .strictObject({
    space: z.string().describe('search space of the architectures').optional(),
    index: z.string().describe("column with the architecture's index in the space's official order").optional(),
    arch: z.string().describe('column with the architecture string').optional(),
    columns: z.record(z.string(), z.string()).default({}).describe("source column: table's name of it"),
    ignore: oneOrMore(z.string(), 0).default([]).describe('source columns that are left out'),
    split: z.string().describe('split of the numbers of a NASLib pickle, which does not state it').optional(),
    seed: z.int().describe('training seed of the numbers of a NASLib pickle').optional(),
    epochs: z
      .int()
      .positive()
      .describe('epochs of the trainings of a NASLib pickle with final numbers only')
      .optional(),
    accuracies: z
      .union([unit, z.record(z.string(), unit)])
      .describe('what accuracies are given in: of all columns, or of each')
      .optional(),
    notes: oneOrMore(z.string(), 0).default([]).describe('sentences for the manifest'),
  })
  .readonly()

export type Mapping = z.infer<typeof schema>

/** The mapping for a source whose columns have the table's names. */
export const identityMapping: Mapping = schema.parse({})

/** Reads and checks a mapping file. @throws BenchError `bad-input` or `missing` */
export async function readMapping(path: string): Promise<Mapping> {
  const result = schema.safeParse(readYaml(path, 'mapping') ?? {})
  if (result.success) return result.data
  const [{ path: at, message }] = result.error.issues
  throw new BenchError('bad-input', `mapping ${path}: ${at.join('.') || 'file'}: ${message}`)
}

/** Checks that the mapping is for the table's space. @throws BenchError `bad-input` */
export function checkSpace({ space }: Mapping, expected: string): void {
  if (space === undefined || space === expected) return
  throw new BenchError('bad-input', `the mapping is of space ${space}, the table of ${expected}; make them the same`)
}

/**
 * Returns what each column of a header becomes in the table.
 * @throws BenchError `bad-input` for an unknown column, and for two columns with the same meaning
 */
export function mapColumns(header: readonly string[], mapping: Mapping, source: string): FlatColumn[] {
  const renamed = new Map(Object.entries(mapping.columns))
  if (mapping.index !== undefined) renamed.set(mapping.index, 'index')
  if (mapping.arch !== undefined) renamed.set(mapping.arch, 'arch')
  const present = new Set(header)
  for (const name of [...renamed.keys(), ...mapping.ignore]) {
    if (!present.has(name)) {
      throw new BenchError('bad-input', `${source} has no column "${name}", which the mapping names`)
    }
  }
  const ignore = new Set(mapping.ignore)
  const roles = header.map((name) => (ignore.has(name) ? ignored : roleOf(renamed.get(name) ?? name)))
  const unknown = header.filter((_, i) => roles[i] === undefined)
  if (unknown.length > 0) {
    const names = unknown.slice(0, 5).map((name) => `"${name}"`)
    throw new BenchError(
      'bad-input',
      `${source}: unknown column ${names.join(', ')}; name it or ignore it in a mapping (--mapping FILE.yaml)`,
    )
  }
  checkDistinct(roles as ColumnRole[], source)
  return (roles as ColumnRole[]).map((role, i) => ({ sourceName: header[i], role }))
}

const ignored: ColumnRole = { kind: 'ignored' }

function checkDistinct(roles: readonly ColumnRole[], source: string): void {
  const names = new Set<string>()
  for (const role of roles) {
    if (role.kind === 'ignored') continue
    const name = 'name' in role ? role.name : role.kind
    if (names.has(name)) throw new BenchError('bad-input', `${source}: two columns are "${name}"`)
    names.add(name)
  }
  if (names.has('arch')) return
  throw new BenchError(
    'bad-input',
    `${source} has no column "arch"; say which one it is in a mapping (--mapping FILE.yaml)`,
  )
}

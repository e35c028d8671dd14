/** From a published source to a table of one's own. The format is found by looking, never by the file's name. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { importCsv } from './importers/csv.ts'
import { identityMapping, type Mapping } from './importers/mapping.ts'
import { openSource } from './importers/sourceFile.ts'
import type { Manifest } from './manifest.ts'
import type { SpaceIndex } from './spaceIndex.ts'
import { embeddedTables, userTables } from './tableFolders.ts'
import { writeTable } from './writeTable.ts'

export interface ImportOptions {
  /** Name of the table. */
  readonly as: string
  readonly space: SpaceIndex
  /** Where it is written; absent: the user's tables. */
  readonly folder?: string
  readonly mapping?: Mapping
  /** Accept fewer rows than the space has architectures. */
  readonly partial?: boolean
}

/** @throws BenchError `bad-input` with the place of what is wrong in the source; an earlier table then stays */
export async function importTable(source: string, options: ImportOptions): Promise<Manifest> {
  const { as, space, folder = userTables(), mapping = identityMapping, partial = false } = options
  await checkName(as)
  const file = await openSource(source)
  const content = await importCsv(file, mapping, { space, partial })
  return writeTable(folder, as, space, content)
}

async function checkName(name: string): Promise<void> {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new BenchError('bad-input', `"${name}" is no table name; use letters, digits, "-", "_" and "."`)
  }
  const embedded = await access(join(embeddedTables, `${name}.manifest.json`)).then(
    () => true,
    () => false,
  )
  if (embedded) throw new BenchError('bad-input', `table ${name} comes with the package; choose another name`)
}

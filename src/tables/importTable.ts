/** From a published source to a table of one's own. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { BenchError } from '../core/errors.ts'
import { cores } from '../system/cores.ts'
import { writeCurves } from './curvesFile.ts'
import { curvesOf, type Imported, removeParts } from './importers/imported.ts'
import { checkSpace, identityMapping, type Mapping } from './importers/mapping.ts'
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
  /** Keep per-epoch curves where the source has them; absent: yes. */
  readonly curves?: boolean
  /** Threads; absent: one for each core. */
  readonly jobs?: number
  /** Read in a process of its own, which is ended at a limit; absent: yes. */
  readonly isolated?: boolean
  /** Told how many architectures are read. @param total undefined where it is not known before the end */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

/** @throws BenchError `bad-input` with the place of what is wrong in the source; an earlier table then stays */
export async function importTable(source: string, options: ImportOptions): Promise<Manifest> {
  const { as, space, folder = userTables(), mapping = identityMapping } = options
  await checkTableName(as)
  checkSpace(mapping, space.name)
  const imported = await read(source, join(folder, `.${as}.import`), mapping, options)
  const curves = curvesOf(imported)
  const written = curves === undefined ? undefined : await writeCurves(folder, as, curves)
  const manifest = writeTable(folder, as, space, imported.content, written)
  removeParts(imported)
  return manifest
}

async function read(path: string, partsFolder: string, mapping: Mapping, options: ImportOptions): Promise<Imported> {
  const { space, partial = false, curves = true, jobs = cores(), isolated = true, onProgress } = options
  const request = { space, partial, mapping, jobs, withCurves: curves, partsFolder, ...(onProgress && { onProgress }) }
  if (isolated) {
    const { readLimited } = await import('./importers/readLimited.ts')
    return readLimited(path, request)
  }
  const { readSource } = await import('./importers/readSource.ts')
  return readSource(path, request)
}

/** @throws BenchError `bad-input` where it is no name for a table, or that of an embedded one */
export async function checkTableName(name: string): Promise<void> {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) {
    throw new BenchError('bad-input', `"${name}" is no table name; use letters, digits, "-", "_" and "."`)
  }
  const embedded = await access(join(embeddedTables, `${name}.manifest.json`)).then(
    () => true,
    () => false,
  )
  if (embedded) throw new BenchError('bad-input', `table ${name} comes with the package; choose another name`)
}

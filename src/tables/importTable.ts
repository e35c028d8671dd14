/** From a published source to a table of one's own. The format is found by looking, never by the file's name. */
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cores } from '../core/cores.ts'
import { BenchError } from '../core/errors.ts'
import { writeCurves } from './curvesFile.ts'
import type { Imported } from './importers/imported.ts'
import { checkSpace, identityMapping, type Mapping } from './importers/mapping.ts'
import { openSource, type SourceFile } from './importers/sourceFile.ts'
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
  /** Told how many architectures are read. @param total undefined where it is not known before the end */
  readonly onProgress?: (done: number, total: number | undefined) => void
}

/** @throws BenchError `bad-input` with the place of what is wrong in the source; an earlier table then stays */
export async function importTable(source: string, options: ImportOptions): Promise<Manifest> {
  const { as, space, folder = userTables(), mapping = identityMapping } = options
  await checkTableName(as)
  checkSpace(mapping, space.name)
  const imported = await read(source, folder, options)
  const { content, curves } = imported
  const written = curves === undefined ? undefined : await writeCurves(folder, as, curves())
  const manifest = writeTable(folder, as, space, content, written)
  await imported.done?.()
  return manifest
}

/** Each importer is loaded when its format is found. */
async function read(path: string, folder: string, options: ImportOptions): Promise<Imported> {
  const { as, space, partial = false, curves = true, jobs = cores(), onProgress } = options
  const context = { space, partial }
  const records = { ...context, jobs, withCurves: curves, partsFolder: join(folder, `.${as}.import`), onProgress }
  if (await isFolder(path)) {
    const { recordFolder } = await import('./importers/recordFiles.ts')
    const { importNats } = await import('./importers/natsBench.ts')
    return importNats(await recordFolder(path), records)
  }
  const file = await openSource(path)
  if (file.head.toString('latin1', 257, 262) === 'ustar') {
    const { recordArchive } = await import('./importers/recordFiles.ts')
    const { importNats } = await import('./importers/natsBench.ts')
    return importNats(recordArchive(file), records)
  }
  const { isPickle, isZip, importPickleFile } = await import('./importers/pickleFile.ts')
  const mapping = options.mapping ?? identityMapping
  if (isZip(file.head) || isPickle(file.head)) {
    return importPickleFile(file, { ...records, mapping })
  }
  if (file.head.toString('latin1', 0, 4) === 'PAR1') {
    const { importParquet } = await import('./importers/parquet.ts')
    return { content: await importParquet(file, mapping, context) }
  }
  checkText(file)
  const { importCsv } = await import('./importers/csv.ts')
  return { content: await importCsv(file, mapping, context) }
}

/** What is no text is no CSV file, either. @throws BenchError `bad-input` that says what it is, where that is known */
function checkText({ name, head }: SourceFile): void {
  const start = head.toString('latin1')
  const refuse = (what: string) => new BenchError('bad-input', `${name} ${what}`)
  if (/^\s*<(!doctype|html)/i.test(start)) throw refuse('is a web page, not a table; fetch the file itself')
  if (start.startsWith('ARROW1'))
    throw refuse('is an Arrow file; where it has a manifest, name its path in place of a table')
  if (start.startsWith('BZh')) throw refuse('is one bzip2 file; name the folder or the tar archive of the release')
  if (head.includes(0))
    throw refuse('has no format that is known: NATS-Bench folder or tar, .pth, pickle, Parquet, CSV')
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

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

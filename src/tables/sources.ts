/** The published benchmark files from which `bench tables fetch` makes tables. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { loadYaml } from '../core/lazyPackages.ts'
import { unknownName } from '../core/names.ts'
import { benchCommand } from '../core/plainText.ts'
import { embeddedTables } from './tableFolders.ts'

const Source = z
  .strictObject({
    description: z.string(),
    url: z.url(),
    file: z.string(),
    sha256: z.string().optional(),
    page: z.url(),
    space: z.string(),
  })
  .readonly()

/** A published benchmark file from which a table can be imported, as `tables/sources.yaml` lists it. */
export type TableSource = z.infer<typeof Source>

/** Returns the published benchmark files listed in `tables/sources.yaml`, which can be downloaded, by name. */
export function tableSources(): Readonly<Record<string, TableSource>> {
  return z
    .record(z.string(), Source)
    .parse(loadYaml().parse(readFileSync(join(embeddedTables, 'sources.yaml'), 'utf8')))
}

/**
 * Returns the published benchmark file of this name.
 * @throws BenchError `unknown-name` that suggests the most similar known name
 */
export function knownSource(name: string): TableSource {
  const sources = tableSources()
  if (!Object.hasOwn(sources, name)) throw unknownName('table to fetch', name, Object.keys(sources))
  return sources[name]
}

/**
 * Returns the error for a table that is not on this machine. It names the command that gets a published table, and
 * suggests the most similar name for any other.
 * @param known names of the tables that are on this machine
 */
export function unknownTable(name: string, known: readonly string[]): BenchError {
  if (!Object.hasOwn(tableSources(), name)) return unknownName('table', name, known)
  const here = known.join(', ') || 'none'
  const fetch = benchCommand('tables', 'fetch', name)
  return new BenchError(
    'missing',
    `the table ${name} is not on this machine (there are: ${here}); \`${fetch}\` gets it`,
  )
}

/** The published benchmark files from which `bench tables fetch` makes tables. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { loadYaml } from '../core/lazyPackages.ts'
import { listed, nearestName, unknownName } from '../core/names.ts'
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
 * Returns the error for a table that is not on this machine. It suggests the most similar name, also of the published
 * tables, and names the command that gets one.
 * @param known names of the tables that are on this machine
 */
export function unknownTable(name: string, known: readonly string[]): BenchError {
  const published = Object.keys(tableSources()).filter((source) => !known.includes(source))
  const near = nearestName(name, [...known, ...published])
  if (near === undefined || !published.includes(near)) return unknownName('table', name, known)
  const remedy = `is not on this machine (there are: ${listed(known)}); \`${benchCommand('tables', 'fetch', near)}\` gets it`
  return near === name
    ? new BenchError('missing', `the table ${name} ${remedy}`)
    : new BenchError('unknown-name', `unknown table "${name}"; did you mean "${near}"? That table ${remedy}`)
}

/** What tells the content of a plugin file: its own bytes, and those of the files that it imports, in turn. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, dirname, extname, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Jiti } from 'jiti'

/**
 * `my-search.ts@sha256:…`: of the file alone where it imports none of its own, else of all, each by its place beside it.
 * Packages are not among them.
 */
export function pluginContent(path: string, jiti: Jiti): string {
  const [own, ...imported] = importedFiles(path, jiti)
  const hash = createHash('sha256').update(readFileSync(own))
  for (const file of imported.sort()) {
    hash.update(`\0${relative(dirname(path), file).replaceAll(sep, '/')}\0`).update(readFileSync(file))
  }
  return `${basename(path)}@sha256:${hash.digest('hex')}`
}

/** The file, and all that it imports by a relative path or that these do. */
function importedFiles(path: string, jiti: Jiti): string[] {
  const found = new Set([path])
  for (const file of found) {
    for (const specifier of relativeImports(file, jiti)) {
      const url = jiti.esmResolve(specifier, { parentURL: pathToFileURL(file).href, try: true })
      if (url !== undefined) found.add(fileURLToPath(url))
    }
  }
  return [...found]
}

/**
 * As the loader runs the file: types are gone, and every import is a call of one text. What a call is given in this way
 * and is no module cannot be resolved as one.
 */
function relativeImports(filename: string, jiti: Jiti): string[] {
  if (!/^\.[cm]?[jt]sx?$/.test(extname(filename))) return []
  const source = readFileSync(filename, 'utf8')
  const code = jiti.transform({ source, filename, ts: /\.[cm]?ts$/.test(filename), async: true })
  return [...code.matchAll(/\((["'`])(\.{1,2}\/[^"'`\n]+)\1\)/g)].map(([, , specifier]) => specifier)
}

/** Finds and loads optional packages, which a user may install and the project runs without. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Tells whether a package is installed, without loading it. */
export function isInstalled(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}

/**
 * Tells whether an installed package has a file or folder; what its install script makes is missing if the script did
 * not run.
 */
export function hasPart(name: string, part: string): boolean {
  return existsSync(join(dirname(require.resolve(`${name}/package.json`)), part))
}

/** Loads an optional package; the caller gives its type, because the compiler does not see the package. */
export async function importOptional<T>(name: string): Promise<T> {
  return (await import(name)) as T
}

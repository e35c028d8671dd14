/** Finds and loads optional npm packages, without which the program works but lacks some features. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Returns whether an npm package is installed, without loading it. */
export function isInstalled(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}

/**
 * Returns whether an installed package contains a file or folder. A part that the package's install script builds is
 * missing if the script was not run.
 */
export function hasPart(name: string, part: string): boolean {
  return existsSync(join(dirname(require.resolve(`${name}/package.json`)), part))
}

/**
 * Loads an optional npm package. The caller passes the type of its exports, because the compiler does not see the
 * package.
 */
export async function importOptional<T>(name: string): Promise<T> {
  return (await import(name)) as T
}

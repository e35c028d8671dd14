/** Packages that a user may add by name; the project runs without them. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)

/** Whether the package can be found, without loading it. */
export function isInstalled(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}

/** Whether an installed package has a file or folder; what install scripts make is missing where they did not run. */
export function hasPart(name: string, part: string): boolean {
  return existsSync(join(dirname(require.resolve(`${name}/package.json`)), part))
}

/** The module, typed by the caller: the compiler knows no package that need not be there. */
export async function importOptional<T>(name: string): Promise<T> {
  return (await import(name)) as T
}

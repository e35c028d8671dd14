/** Packages that a user may add by name; the project runs without them. */
import { createRequire } from 'node:module'

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

/** The module, typed by the caller: the compiler knows no package that need not be there. */
export async function importOptional<T>(name: string): Promise<T> {
  return (await import(name)) as T
}

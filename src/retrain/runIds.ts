/** Finds a run or training in a store by its id or by the beginning of its id. */
import { BenchError } from '../core/errors.ts'
import { benchCommand } from '../core/plainText.ts'
import { listIfThere } from '../system/readable.ts'

/**
 * Returns the id of a run or training from its full id or from a beginning that only this id has; undefined if no id
 * in the store begins so.
 * @param store folder of the store
 * @throws BenchError `bad-input` if several ids begin so
 */
export function idInStore(name: string, store: string): string | undefined {
  const ids = (listIfThere(store) ?? []).filter((entry) => !entry.isFile()).map((entry) => entry.name)
  if (ids.includes(name)) return name
  const beginning = ids.filter((id) => id.startsWith(name)).sort()
  if (beginning.length <= 1) return beginning[0]
  const shown = `${beginning.slice(0, 5).join(', ')}${beginning.length > 5 ? ', …' : ''}`
  throw new BenchError('bad-input', `${beginning.length} runs begin with ${name}: ${shown}; name one of them`)
}

/** Returns the error for an id that no run in the store has. */
export const noRunNamed = (name: string, store: string): BenchError =>
  new BenchError(
    'missing',
    `there is no run ${name} in the store ${store}; \`${benchCommand('status', '--store', store)}\` lists the runs, --store names another store`,
  )

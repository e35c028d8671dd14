/** Guards an executable against use after disposal, when its memory may already belong to another network. */
import { BenchError } from '../core/errors.ts'
import type { Executable, Feed } from '../core/executor.ts'

/**
 * Returns the executable with every call after `dispose` an error of code `bad-input`; further calls of `dispose` do
 * nothing.
 */
export function untilDisposed(executable: Executable): Executable {
  let isDisposed = false
  const dispose = () => {
    if (!isDisposed) executable.dispose()
    isDisposed = true
  }
  const check = (used: string) => {
    if (!isDisposed) return
    throw new BenchError('bad-input', `${used} of ${executable.network.name} was used after dispose; compile it again`)
  }
  const evaluate: Executable['evaluate'] = (feeds, mode) => executable.evaluate(checkedEach(feeds, check), mode)
  return new Proxy(executable, {
    get(target, property) {
      if (property === 'dispose') return dispose
      if (property in target) check(String(property))
      if (property === 'evaluate') return evaluate
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Checks before each batch of an evaluation: other code runs between batches and may dispose of the executable. */
async function* checkedEach(
  feeds: Iterable<Feed> | AsyncIterable<Feed>,
  check: (used: string) => void,
): AsyncGenerator<Feed> {
  for await (const feed of feeds) {
    check('evaluate')
    yield feed
  }
  check('evaluate')
}

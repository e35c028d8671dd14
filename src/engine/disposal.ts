/** Executables that refuse to be used after disposal: what they ran on may belong to another network by then. */
import { BenchError } from '../core/errors.ts'
import type { Executable, Feed } from '../core/executor.ts'

/** The executable, until it is disposed of; then every call is a BenchError `bad-input`, but for further disposals. */
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

/** Others have their turn between the batches of an evaluation, and may dispose of what evaluates. */
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

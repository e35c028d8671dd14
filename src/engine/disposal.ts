/** Executables that refuse to be used after disposal: what they ran on may belong to another network by then. */
import { BenchError } from '../core/errors.ts'
import type { Executable } from '../core/executor.ts'

/** The executable, until it is disposed of; then every call is a BenchError `bad-input`, but for further disposals. */
export function untilDisposed(executable: Executable): Executable {
  const { name } = executable.network
  let isDisposed = false
  const dispose = () => {
    if (!isDisposed) executable.dispose()
    isDisposed = true
  }
  return new Proxy(executable, {
    get(target, property) {
      if (property === 'dispose') return dispose
      if (isDisposed && property in target) {
        throw new BenchError('bad-input', `${String(property)} of ${name} was used after dispose; compile it again`)
      }
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** bzip2, bounded in what a file may expand to. Its checksums are compared. */
import Bzip2 from '@foxglove/wasm-bz2'
import { BenchError } from '../../core/errors.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'

const FIRST_GUESS = 1 << 20
const OUTPUT_FULL = -8
/** More does not fit beside the rest into the memory of the WebAssembly module. */
const MOST_BYTES = 2 ** 30

let loading: ReturnType<typeof Bzip2.init> | undefined

/** The module puts itself in charge of all of the process's uncaught errors; that is not its business. */
async function load(): ReturnType<typeof Bzip2.init> {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')))
  const decoder = await Bzip2.init()
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (!before[i].has(listener)) process.removeListener(event, listener)
    }
  })
  return decoder
}

/**
 * @param name for messages
 * @throws BenchError `bad-input` where the data is damaged, or longer than the limit of a record when decompressed
 */
export async function bunzip2(data: Uint8Array, name: string): Promise<Uint8Array<ArrayBuffer>> {
  loading ??= load()
  const decoder = await loading
  const most = Math.min(limitOf('record-mib') * 2 ** 20, MOST_BYTES)
  for (let size = Math.min(most, Math.max(FIRST_GUESS, 8 * data.byteLength)); ; size = Math.min(most, 4 * size)) {
    try {
      return new Uint8Array(decoder.decompress(data, size))
    } catch (cause) {
      if (!isFull(cause))
        throw new BenchError('bad-input', `${name} is damaged: it is not a whole bzip2 file`, { cause })
      if (size >= most) throw beyondLimit('record-mib', `${name} expands to more than ${most / 2 ** 20} MiB`)
    }
  }
}

const isFull = (cause: unknown): boolean => String(cause).includes(String(OUTPUT_FULL))

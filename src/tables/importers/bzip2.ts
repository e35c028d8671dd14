/** bzip2, bounded in what a file may expand to. */
import Bzip2 from '@foxglove/wasm-bz2'
import { BenchError } from '../../core/errors.ts'

const FIRST_GUESS = 1 << 20
const OUTPUT_FULL = -8

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
 * @throws BenchError `bad-input` where the data is damaged, or longer than `mostBytes` when decompressed
 */
export async function bunzip2(data: Uint8Array, name: string, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  loading ??= load()
  const decoder = await loading
  for (
    let size = Math.min(mostBytes, Math.max(FIRST_GUESS, 8 * data.byteLength));
    ;
    size = Math.min(mostBytes, 4 * size)
  ) {
    try {
      return new Uint8Array(decoder.decompress(data, size))
    } catch (cause) {
      if (!isFull(cause))
        throw new BenchError('bad-input', `${name} is damaged: it is not a whole bzip2 file`, { cause })
      if (size < mostBytes) continue
      throw new BenchError('bad-input', `${name} expands to more than ${mostBytes} bytes; no record is as large`)
    }
  }
}

const isFull = (cause: unknown): boolean => String(cause).includes(String(OUTPUT_FULL))

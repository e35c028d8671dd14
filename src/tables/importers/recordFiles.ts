/** The files of a NATS-Bench release, from its folder or from a tar archive of it, one at a time. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import { BenchError } from '../../core/errors.ts'
import { beyondLimit, limitOf } from '../../system/limits.ts'
import { countWork } from '../../system/workCounter.ts'
import type { SourceFile } from './sourceFile.ts'

export interface RecordFile {
  /** `000011.pickle.pbz2` */
  readonly name: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface RecordFiles {
  readonly name: string
  /** Numbers of the records; undefined where only reading to the end would tell. */
  readonly indices?: Int32Array
  files(): AsyncIterable<RecordFile>
}

const RECORD = /^\d{6}\.pickle\.pbz2$/

/** The records of a folder, in the order of their numbers. @throws BenchError `bad-input` where it holds none */
export async function recordFolder(path: string): Promise<RecordFiles> {
  const names = (await readdir(path)).filter((name) => RECORD.test(name)).sort()
  if (names.length === 0) {
    throw new BenchError('bad-input', `${path} holds no NNNNNN.pickle.pbz2; name the folder of a NATS-Bench release`)
  }
  return {
    name: basename(path),
    indices: Int32Array.from(names, (name) => Number.parseInt(name, 10)),
    async *files() {
      for (const name of names) yield { name, bytes: await readRecord(join(path, name)) }
    },
  }
}

async function readRecord(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new BenchError('bad-input', `${path} is no file; expected a record of the release`)
    checkSize(found.size, path)
    countWork()
    return Uint8Array.from(await readFile(path))
  } catch (cause) {
    if (cause instanceof BenchError) throw cause
    throw new BenchError('missing', `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}

/**
 * The records of a tar archive, in its order.
 * @throws BenchError `bad-input` for entries that lead outside, links in place of records, and archives that are cut off
 */
export function recordArchive(source: SourceFile): RecordFiles {
  return {
    name: source.name,
    async *files() {
      const unpack = extract()
      const unpacked = pipeline(source.stream(), unpack)
      unpacked.catch(() => undefined)
      try {
        for await (const entry of unpack) {
          const name = checkedName(entry.header.name, source.name)
          const chunks = RECORD.test(name)
            ? await contents(entry as unknown as Readable, entry.header.type, `${source.name}: ${name}`)
            : undefined
          entry.resume()
          if (chunks !== undefined) yield { name, bytes: chunks }
        }
        await unpacked
      } catch (cause) {
        if (cause instanceof BenchError) throw cause
        const { message } = cause as Error
        throw new BenchError('bad-input', `${source.name} is not a whole tar archive: ${message}`, { cause })
      }
    },
  }
}

/** The file's own name. */
function checkedName(path: string, archive: string): string {
  if (path.startsWith('/') || path.split('/').includes('..')) {
    throw new BenchError('bad-input', `${archive} holds "${path}", which leads out of it; it is not a release`)
  }
  return basename(path)
}

async function contents(
  entry: Readable,
  type: string | null | undefined,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (type !== 'file' && type !== 'contiguous-file')
    throw new BenchError('bad-input', `${name} is no file but a ${type}`)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of entry as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    checkSize(bytes, name)
    chunks.push(chunk)
  }
  return Uint8Array.from(Buffer.concat(chunks))
}

function checkSize(bytes: number, name: string): void {
  if (bytes > limitOf('record-mib') * 2 ** 20) throw beyondLimit('record-mib', `${name} is too large for a record`)
}

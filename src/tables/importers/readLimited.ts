/** Reads a source in a process of its own, under limits of memory and time (`system/limitedProcess.ts`). */
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runLimited } from '../../system/limitedProcess.ts'
import type { Imported } from './imported.ts'
import type { ReadOptions } from './readSource.ts'

/** What the process is sent. */
export interface ReadRequest extends Omit<ReadOptions, 'space' | 'onProgress'> {
  readonly path: string
  readonly space: string
}

export type ReadProgress = readonly [done: number, total: number | undefined]

/** The built module, also where this one runs from source: Node 20 runs no TypeScript. */
const WORKER = fileURLToPath(new URL('../../../dist/tables/importers/readWorker.js', import.meta.url))

/**
 * @param options with a space that the package has, for the process looks it up by its name
 * @throws BenchError as `readSource`; `bad-input` with the limit that reading went beyond
 */
export function readLimited(path: string, { space, onProgress, ...options }: ReadOptions): Promise<Imported> {
  return runLimited<ReadRequest, ReadProgress, Imported>({
    module: WORKER,
    request: { ...options, path, space: space.name },
    file: basename(path),
    memory: 'source-gib',
    seconds: 'source-seconds',
    onProgress: ([done, total]) => onProgress?.(done, total),
  })
}

/** A worker thread that reads batches of records. */
import { parentPort } from 'node:worker_threads'
import { BenchError } from '../../core/errors.ts'
import { readRecords } from './readRecords.ts'
import type { WorkerAnswer, WorkerRequest } from './recordReaders.ts'

parentPort?.on('message', async ({ files, withCurves }: WorkerRequest) => {
  parentPort?.postMessage(await answer(files, withCurves))
})

async function answer(files: WorkerRequest['files'], withCurves: boolean): Promise<WorkerAnswer> {
  try {
    return { read: await readRecords(files, withCurves) }
  } catch (error) {
    const code = error instanceof BenchError ? error.code : 'failed'
    return { code, message: (error as Error).message }
  }
}

/** The worker thread that `recordReaders.ts` starts. It reads batches of NATS-Bench record files. */
import { parentPort } from 'node:worker_threads'
import { BenchError } from '../../core/errors.ts'
import { type RecordsRequest, readRecords } from './readRecords.ts'
import type { WorkerAnswer } from './recordReaders.ts'

parentPort?.on('message', async (request: RecordsRequest) => {
  parentPort?.postMessage(await answer(request))
})

async function answer(request: RecordsRequest): Promise<WorkerAnswer> {
  try {
    return { read: await readRecords(request) }
  } catch (error) {
    const code = error instanceof BenchError ? error.code : 'failed'
    return { code, message: (error as Error).message }
  }
}

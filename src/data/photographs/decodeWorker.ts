/** The worker thread that `decodePool.ts` starts: receives paths of photographs, answers with normalised pixels. */
import { parentPort, workerData } from 'node:worker_threads'
import sharp from 'sharp'
import type { BenchError } from '../../core/errors.ts'
import { decodePhotograph, type PhotographSettings } from './decodePhotograph.ts'
import type { DecodeReply, DecodeTask } from './decodePool.ts'

sharp.concurrency(1)
sharp.cache(false)

parentPort?.on('message', async ({ id, photograph, used }: DecodeTask) => {
  const settings: PhotographSettings = workerData
  const pixels = used ?? new Float32Array(settings.imageSize ** 2 * 3)
  try {
    const note = await decodePhotograph(photograph, settings, pixels)
    const reply: DecodeReply = { id, pixels, ...(note !== undefined && { note }) }
    parentPort?.postMessage(reply, [pixels.buffer])
  } catch (error) {
    const { code = 'corrupt', message } = error as Partial<BenchError> & Error
    const reply: DecodeReply = { id, error: { code, message } }
    parentPort?.postMessage(reply)
  }
})

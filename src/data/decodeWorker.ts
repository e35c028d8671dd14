/** The worker thread of `decodePool.ts`: photographs in, normalised pixels out. */
import { parentPort, workerData } from 'node:worker_threads'
import sharp from 'sharp'
import { decodePhotograph, type PhotographSettings } from './decodePhotograph.ts'
import type { DecodeReply, DecodeTask } from './decodePool.ts'

sharp.concurrency(1)
sharp.cache(false)

parentPort?.on('message', async ({ id, photograph }: DecodeTask) => {
  try {
    const pixels = await decodePhotograph(photograph, workerData as PhotographSettings)
    const reply: DecodeReply = { id, pixels }
    parentPort?.postMessage(reply, [pixels.buffer as ArrayBuffer])
  } catch (error) {
    const reply: DecodeReply = { id, error: (error as Error).message.split('\n')[0] }
    parentPort?.postMessage(reply)
  }
})

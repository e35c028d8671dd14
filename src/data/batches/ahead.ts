/** Prepares the next batches while the executor works on one. */
import type { Batch, BatchSource } from '../../core/data.ts'

/**
 * The same batches; after batch i is asked for, the `count` batches after it are begun as soon as the event loop is free,
 * so that they are ready, or in preparation by other threads, when the step ends. Batches skipped are dropped.
 */
export function ahead(source: BatchSource, count = 1): BatchSource {
  const begun = new Map<number, { readonly epoch: number | undefined; readonly batch: Promise<Batch> }>()
  const begin = (index: number, epoch: number | undefined): Promise<Batch> => {
    const earlier = begun.get(index)
    if (earlier !== undefined && earlier.epoch === epoch) return earlier.batch
    const batch = source.batch(index, epoch)
    begun.set(index, { epoch, batch })
    batch.catch(() => undefined)
    return batch
  }
  return {
    batchSize: source.batchSize,
    batchesPerEpoch: source.batchesPerEpoch,
    batch(index, epoch) {
      const wanted = begin(index, epoch)
      for (const other of begun.keys()) if (other <= index || other > index + count) begun.delete(other)
      setImmediate(() => {
        for (let next = index + 1; next <= index + count; next++) begin(next, epoch)
      })
      return wanted
    },
  }
}

/** Runs a trained network on images, and measures its accuracy on labelled ones. */
import { type ClassificationMeasures, measureClassification } from '../analysis/classification.ts'
import type { Batch } from '../core/data.ts'
import type { Executor } from '../core/executor.ts'
import type { TestImages } from './modelImages.ts'
import type { TrainedModel } from './trainedModel.ts'

/**
 * Yields each batch with the network's logits [batch, classes], computed with running batch-norm statistics.
 * @param batchSize size of the largest batch
 */
export async function* logitsOf<OwnBatch extends Batch>(
  { network, state }: Pick<TrainedModel, 'network' | 'state'>,
  executor: Executor,
  batches: Iterable<OwnBatch> | AsyncIterable<OwnBatch>,
  batchSize: number,
): AsyncGenerator<{ readonly batch: OwnBatch; readonly logits: Float32Array }> {
  const executable = await executor.compile(network, { batchSize })
  try {
    executable.restore(state)
    for await (const batch of batches) {
      const { logits } = await executable.forward({ batch }, 'eval')
      yield { batch, logits }
    }
  } finally {
    executable.dispose()
  }
}

/**
 * Measures a trained network on labelled images. @param onProgress called after each batch with the number of images
 * done
 */
export async function evaluateModel(
  model: TrainedModel,
  executor: Executor,
  images: TestImages,
  batchSize: number,
  onProgress: (done: number) => void,
): Promise<ClassificationMeasures> {
  const { classes } = model.network
  const logits = new Float32Array(images.count * classes)
  const labels = new Int32Array(images.count)
  let done = 0
  for await (const { batch, logits: part } of logitsOf(model, executor, images.batches(), batchSize)) {
    logits.set(part.subarray(0, batch.size * classes), done * classes)
    labels.set(batch.labels.subarray(0, batch.size), done)
    done += batch.size
    onProgress(done)
  }
  return measureClassification(logits.subarray(0, done * classes), labels.subarray(0, done), classes)
}

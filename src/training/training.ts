/**
 * Trains one discrete network with SGD, and measures its accuracy on images that it was not trained on. The learning
 * rate falls on a cosine over all steps.
 */
import type { Batch, BatchSource } from '../core/data.ts'
import type { Executable, Feed, Objective, SgdStep, Tally } from '../core/executor.ts'
import { cosine } from './schedule.ts'

export interface TrainingPlan {
  readonly epochs: number
  readonly sgd: Omit<SgdStep, 'learningRate'>
  /** Learning rate at the first step of the training; it falls on a cosine to `learningRateMin` after the last step. */
  readonly learningRate: number
  readonly learningRateMin: number
}

const CROSS_ENTROPY: Objective = { kind: 'cross-entropy' }

/**
 * Trains the network from its current weights. Returns loss and accuracy of the training steps of each epoch.
 *
 * @param onStep called after each step with the number of finished steps and the number of all steps
 */
export async function train(
  executable: Executable,
  source: BatchSource,
  plan: TrainingPlan,
  onStep: (done: number, total: number) => void = () => {},
): Promise<Tally[]> {
  const { epochs, learningRate: max, learningRateMin: min } = plan
  const steps = epochs * source.batchesPerEpoch
  const tallies: Tally[] = []
  for (let step = 0; step < steps; step++) {
    const learningRate = cosine(step, steps, max, min)
    await executable.step({ batch: await source.batch(step) }, CROSS_ENTROPY, { ...plan.sgd, learningRate })
    if ((step + 1) % source.batchesPerEpoch === 0) tallies.push(await executable.takeTally())
    onStep(step + 1, steps)
  }
  return tallies
}

/** Returns loss and accuracy of the network over all batches, computed with running batch-norm statistics. */
export function test(executable: Executable, batches: Iterable<Batch> | AsyncIterable<Batch>): Promise<Tally> {
  return executable.evaluate(feeds(batches), 'eval')
}

/** Yields the batches as an executor's input. */
export async function* feeds(batches: Iterable<Batch> | AsyncIterable<Batch>): AsyncGenerator<Feed> {
  for await (const batch of batches) yield { batch }
}

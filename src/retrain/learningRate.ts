/** Learning rate of each epoch of a full training, as in the papers' code. */
import { integerPower } from '../core/numbers.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import { cosine, linear, warmUp } from '../training/schedule.ts'

/** Number of last epochs in which the linear schedule falls more gently. */
const GENTLE = 5

/** Returns the learning rate of an epoch. @param epoch 0 … epochs − 1 */
export function learningRate(epoch: number, settings: Pick<RetrainingSettings, Used>): number {
  const { batchSize, learningRate: plan } = settings
  const scheduled = scheduledRate(epoch, settings)
  if (epoch >= plan.warmUp.epochs || batchSize <= plan.warmUp.aboveBatchSize) return scheduled
  return warmUp(epoch, plan.warmUp.epochs) * (plan.warmUp.of === 'initial' ? plan.initial : scheduled)
}

type Used = 'epochs' | 'batchSize' | 'learningRate'

function scheduledRate(epoch: number, { epochs, learningRate: plan }: Pick<RetrainingSettings, Used>): number {
  switch (plan.schedule) {
    case 'cosine':
      return cosine(epoch, epochs, plan.initial, 0)
    case 'linear':
      return linearWithGentleEnd(epoch, epochs, plan.initial)
    case 'exponential':
      return plan.initial * integerPower(plan.decay, epoch)
  }
}

/**
 * Falls linearly so as to reach nearly 0 five epochs before the end, and spreads the rest over those five
 * (`yuhuixu1993/PC-DARTS: train_imagenet.py`). Trainings of at most ten epochs fall linearly to 0.
 */
function linearWithGentleEnd(epoch: number, epochs: number, initial: number): number {
  const steep = epochs - GENTLE
  if (steep <= GENTLE) return linear(epoch, epochs, initial, 0)
  return epoch < steep ? linear(epoch, steep, initial, 0) : linear(epoch - steep, GENTLE, initial / steep, 0)
}

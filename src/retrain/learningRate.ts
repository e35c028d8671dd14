/** The learning rate of each epoch, as the papers' code sets it. */
import { integerPower } from '../core/numbers.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import { cosine, linear, warmUp } from '../training/schedule.ts'

/** Epochs at the end in which the linear schedule is gentler, since a whole step of it would be large by then. */
const GENTLE = 5

/** @param epoch 0 … epochs − 1; on CIFAR the last one has a little more than 0 */
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
 * Straight towards 0 at five epochs before the end; what one step of that line would leave is then spread over the five
 * (`yuhuixu1993/PC-DARTS: train_imagenet.py`). Trainings that are hardly longer go straight to 0.
 */
function linearWithGentleEnd(epoch: number, epochs: number, initial: number): number {
  const steep = epochs - GENTLE
  if (steep <= GENTLE) return linear(epoch, epochs, initial, 0)
  return epoch < steep ? linear(epoch, steep, initial, 0) : linear(epoch - steep, GENTLE, initial / steep, 0)
}

/** Learning-rate schedules: pure functions of the step. */

/**
 * Returns the rate of a cosine schedule: min + (max − min)(1 + cos(π·step/total))/2, which is `max` at step 0 and `min`
 * at step `total`.
 */
export function cosine(step: number, total: number, max: number, min: number): number {
  return min + ((max - min) * (1 + Math.cos((Math.PI * step) / total))) / 2
}

/** Returns the rate of a linear schedule: `max` at step 0, `min` at step `total`. */
export function linear(step: number, total: number, max: number, min: number): number {
  return max + ((min - max) * step) / total
}

/**
 * Returns the warm-up factor of the learning rate: (epoch + 1)/length, then 1 (PC-DARTS and DrNAS on ImageNet). Epochs
 * count from 0.
 */
export function warmUp(epoch: number, length: number): number {
  return Math.min(1, (epoch + 1) / Math.max(1, length))
}

/** Learning-rate schedules: pure functions of the step. */

/** min + (max − min)(1 + cos(π step/total)) / 2: `max` at step 0, `min` at step `total`. */
export function cosine(step: number, total: number, max: number, min: number): number {
  return min + ((max - min) * (1 + Math.cos((Math.PI * step) / total))) / 2
}

/** From `max` at step 0 to `min` at step `total`, in a straight line. */
export function linear(step: number, total: number, max: number, min: number): number {
  return max + ((min - max) * step) / total
}

/** Share of the scheduled rate in epoch 0, 1, …: a ramp (epoch + 1) / length, then 1 (PC-DARTS and DrNAS on ImageNet). */
export function warmUp(epoch: number, length: number): number {
  return Math.min(1, (epoch + 1) / Math.max(1, length))
}

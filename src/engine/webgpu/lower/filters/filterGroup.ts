/** The dispatches of filters that are taken together: dense ones, or depthwise ones. */
import type { Storage, Transient } from '../../plan/storage.ts'

/** As `outputGradient` in kernels/ names them. */
export type GradientBuffers = Readonly<Record<string, Storage>>

export interface FilterGroupEmitter {
  forward(): void
  /**
   * @param gradients what kernels name for the gradients wrt the outputs
   * @param chunks where partial sums wait
   */
  backward(gradients: GradientBuffers, chunks: Transient): void
}

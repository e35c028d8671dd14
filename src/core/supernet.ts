/** The search network as an algorithm sees it: batches and mixings in, losses and mixing gradients out. */
import type { Batch } from './data.ts'
import type { Executable, Mode, SgdStep, Tally, WeightVector } from './executor.ts'
import type { Mixing, MixingGradient } from './mixing.ts'

export interface Supernet {
  /** w and SGD's momentum buffer. */
  readonly weights: WeightVector
  readonly momentum: WeightVector
  /** A new weight vector of zeros. The caller disposes of it. */
  vector(): WeightVector

  /** One SGD step on w, at the cross-entropy of the batch under the mixing. Counted in the tally. */
  step(batch: Batch, mixing: Mixing, sgd: SgdStep): Promise<void>
  /** Loss and accuracy of the steps since the last call. */
  takeTally(): Promise<Tally>

  /**
   * Loss and ∂loss/∂mixing at the current w (nothing moves); ∂loss/∂w into `weights` where given.
   * @param mode `train` (default) also updates running batch-norm statistics, as a forward pass in the papers' code does
   */
  gradient(
    batch: Batch,
    mixing: Mixing,
    options?: { readonly weights?: WeightVector; readonly mode?: Mode },
  ): Promise<Tally & { readonly mixing: MixingGradient }>

  /** Loss and accuracy, without gradients. Default mode: `probe` (batch statistics, nothing updated). */
  evaluate(batches: Iterable<Batch> | AsyncIterable<Batch>, mixing: Mixing, mode?: Mode): Promise<Tally>

  /** The compiled network itself, for what the above does not cover (zero-cost proxies, widening). */
  readonly executable: Executable
  dispose(): void
}

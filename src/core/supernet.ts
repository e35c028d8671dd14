/**
 * The contract of a supernet: a search network with shared weights that computes losses and gradients under mixing
 * weights.
 */
import type { Batch } from './data.ts'
import type { Executable, Mode, SgdStep, Tally, WeightVector } from './executor.ts'
import type { Mixing, MixingGradient } from './mixing.ts'

export interface Supernet {
  /** The network weights w. */
  readonly weights: WeightVector
  /** Momentum buffer of SGD. */
  readonly momentum: WeightVector
  /** Allocates a weight vector of zeros, which the caller must dispose of. */
  vector(): WeightVector

  /** Takes one SGD step on w for the cross-entropy of the batch, and adds loss and accuracy to the running tally. */
  step(batch: Batch, mixing: Mixing, sgd: SgdStep): Promise<void>
  /** Returns loss and accuracy of the steps since the last call. */
  takeTally(): Promise<Tally>

  /**
   * Computes loss and ∂loss/∂mixing at the current w, which does not change. ∂loss/∂w is written to `weights` if given.
   * @param options.mode `train` (default) also updates running batch-norm statistics, as a forward pass of the papers'
   * code does
   */
  gradient(
    batch: Batch,
    mixing: Mixing,
    options?: { readonly weights?: WeightVector; readonly mode?: Mode },
  ): Promise<Tally & { readonly mixing: MixingGradient }>

  /** Computes loss and accuracy without gradients. Default mode: `probe` (batch statistics, nothing is updated). */
  evaluate(batches: Iterable<Batch> | AsyncIterable<Batch>, mixing: Mixing, mode?: Mode): Promise<Tally>

  /** The compiled network, for operations beyond this interface (zero-cost proxies, widening). */
  readonly executable: Executable
  dispose(): void
}

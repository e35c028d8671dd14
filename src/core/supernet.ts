/**
 * The contract of a supernet: a search network with shared weights that computes losses and gradients under mixing
 * weights.
 */
import type { Batch } from './data.ts'
import type { Executable, Mode, SgdStep, Tally, WeightVector } from './executor.ts'
import type { Mixing, MixingGradient } from './mixing.ts'

export interface Supernet {
  /** The network weights w of the supernet. */
  readonly weights: WeightVector
  /** SGD's momentum buffer, one entry for each network weight. */
  readonly momentum: WeightVector
  /** Allocates a vector of zeros with one entry for each network weight; the caller must dispose of it. */
  vector(): WeightVector

  /**
   * Takes one SGD step on w along the gradient of the batch's cross-entropy, and adds the step's loss and accuracy to
   * the running tally.
   */
  step(batch: Batch, mixing: Mixing, sgd: SgdStep): Promise<void>
  /** Returns loss and accuracy over the steps since the last call of `takeTally`. */
  takeTally(): Promise<Tally>

  /**
   * Computes the loss and its gradient with respect to the mixing weights at the current w, which does not change.
   * @param options.weights overwritten with ∂loss/∂w if given
   * @param options.mode `train` (default) also updates running batch-norm statistics, as a forward pass of the papers'
   * code does; other modes do not
   */
  gradient(
    batch: Batch,
    mixing: Mixing,
    options?: { readonly weights?: WeightVector; readonly mode?: Mode },
  ): Promise<Tally & { readonly mixing: MixingGradient }>

  /**
   * Computes loss and accuracy over batches, without gradients. Default mode: `probe` (batch statistics, nothing is
   * updated).
   */
  evaluate(batches: Iterable<Batch> | AsyncIterable<Batch>, mixing: Mixing, mode?: Mode): Promise<Tally>

  /** The compiled network, for operations that a supernet does not offer (zero-cost proxies, widening). */
  readonly executable: Executable
  dispose(): void
}

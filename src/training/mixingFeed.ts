/**
 * Feeds an executable with a batch under mixing weights, for passes that the supernet's interface lacks: other
 * objectives and frozen activations.
 */
import type { Batch } from '../core/data.ts'
import type { Executable, Feed, Objective, WeightVector } from '../core/executor.ts'
import { flattenActive, flattenMixing, type Mixing, type MixingGradient, unflattenGradient } from '../core/mixing.ts'

/** Builds the feed of a batch under mixing weights. */
export function feedOf(batch: Batch, mixing: Mixing): Feed {
  const active = flattenActive(mixing)
  return { batch, coefficients: flattenMixing(mixing), ...(active && { active }) }
}

/**
 * Computes ∂objective/∂mixing under batch statistics, updating nothing. @param weights overwritten with ∂objective/∂w
 */
export async function mixingGradient(
  executable: Executable,
  feed: Feed,
  { theta }: Mixing,
  objective: Objective,
  weights?: WeightVector,
): Promise<MixingGradient> {
  const want = { coefficients: true, ...(weights && { weights }) }
  const { coefficients = [] } = await executable.gradient(feed, objective, want, 'probe')
  return unflattenGradient(coefficients, theta)
}

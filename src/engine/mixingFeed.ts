/** A mixing as the executor takes it, and gradients that a supernet's interface does not cover: other objectives, frozen activations. */
import type { Batch } from '../core/data.ts'
import type { Executable, Feed, Objective, WeightVector } from '../core/executor.ts'
import { flattenActive, flattenMixing, type Mixing, type MixingGradient, unflattenGradient } from '../core/mixing.ts'

/** A batch under a mixing, as the executor takes it. */
export function feedOf(batch: Batch, mixing: Mixing): Feed {
  const active = flattenActive(mixing)
  return { batch, coefficients: flattenMixing(mixing), ...(active && { active }) }
}

/** ∂objective/∂mixing under batch statistics, nothing updated. @param weights overwritten with ∂objective/∂w */
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

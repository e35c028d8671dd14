/** Drop path (Larsson et al., "FractalNet", ICLR 2017), as DARTS uses it: whole paths of a cell are dropped, sample by sample. */
import type { RandomStream } from '../core/random.ts'

/** Grows linearly: 0 in the first epoch, nearly `final` in the last (`quark0/darts: cnn/train.py`). */
export const dropProbability = (epoch: number, epochs: number, final: number): number => (final * epoch) / epochs

/**
 * Bernoulli(keep) / keep for each path and sample, so that the expectation is 1. → [paths][samples]
 * @param probability of dropping, 0 … 1 (1 excluded)
 */
export function drawPathScales(
  paths: number,
  samples: number,
  probability: number,
  stream: RandomStream,
): Float32Array {
  const keep = 1 - probability
  return Float32Array.from({ length: paths * samples }, () => (stream.uniform() < keep ? 1 / keep : 0))
}

/**
 * Drop path (Larsson et al., "FractalNet", ICLR 2017) as in DARTS: whole paths of a cell are dropped, independently for
 * each sample.
 */
import type { Executable, Feed } from '../core/executor.ts'
import { type RandomStream, random } from '../core/random.ts'
import { withOverrides } from '../engine/plan/executable.ts'

/**
 * Returns the drop probability of a full training: grows linearly from 0 to nearly `final` in the last epoch
 * (`quark0/darts: cnn/train.py`).
 */
export const dropProbability = (epoch: number, epochs: number, final: number): number => (final * epoch) / epochs

/**
 * Returns the drop probability of a search: grows linearly from 0 to `final` in the last epoch (`automl/RobustDARTS:
 * src/search/train_search.py`), and stays there in epochs that a search adds to those of the protocol.
 */
export const searchDropProbability = (epoch: number, epochs: number, final: number): number =>
  epochs > 1 ? (final * Math.min(epoch, epochs - 1)) / (epochs - 1) : 0

/**
 * Draws the drop-path factors of a batch: Bernoulli(keep)/keep for each path and sample, so that the expectation is 1.
 * Returns [paths][samples].
 * @param probability probability of dropping a path for a sample, 0 … 1 (1 excluded)
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

/**
 * Wraps an executable so that steps and gradients drop paths, while evaluations and forward passes do not. The dropped
 * paths depend only on the batch's random key, so two gradients of the same batch, as in a finite difference, drop the
 * same.
 *
 * @param probability returns the current drop probability
 */
export function droppingPaths(executable: Executable, probability: () => number): Executable {
  const { pathCount } = executable.network
  const dropping = (feed: Feed): Feed => {
    const { size, randomKey } = feed.batch
    const now = probability()
    if (feed.pathScales !== undefined || randomKey === undefined || now === 0) return feed
    const stream = random(randomKey.seed, ...randomKey.path, 'drop path')
    return { ...feed, pathScales: drawPathScales(pathCount, size, now, stream) }
  }
  const activationMasks = executable.activationMasks?.bind(executable)
  return withOverrides(executable, {
    gradient: (feed, objective, want, mode) => executable.gradient(dropping(feed), objective, want, mode),
    step: (feed, objective, sgd) => executable.step(dropping(feed), objective, sgd),
    ...(activationMasks && { activationMasks: (feed) => activationMasks(dropping(feed)) }),
  })
}

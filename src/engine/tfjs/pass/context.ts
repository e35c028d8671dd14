/** What rules read during one pass: the batch's host numbers as tensors, parameters and running statistics. */
import * as tf from '@tensorflow/tfjs-core'
import type { Feed, Mode } from '../../../core/executor.ts'
import type { Network } from '../../../core/network.ts'
import { drawNoise } from '../../noise.ts'
import { ownGates } from '../rules/activationMasks.ts'
import type { Context } from '../rules/rule.ts'
import type { ParameterViews } from '../state/parameterViews.ts'
import type { RunningStatistics } from '../state/runningStatistics.ts'

/** Makes tensors that live as long as the enclosing scope. */
export function createContext(
  network: Network,
  feed: Feed,
  mode: Mode,
  parameters: ParameterViews,
  statistics: RunningStatistics,
): Context {
  const { coefficients, active, pathScales, activationMasks } = feed
  const batchSize = feed.batch.size
  const scalars = Array.from(coefficients ?? [], (value) => tf.scalar(value))
  return {
    mode,
    batchSize,
    values: network.values,
    active,
    parameter: (id) => parameters.at(id),
    coefficient: (id) => scalars[id],
    statistics: (index) => statistics.moments(index),
    pathScale: (path) => {
      const scales = pathScales?.slice(path * batchSize, (path + 1) * batchSize)
      return scales ? tf.tensor4d(scales, [batchSize, 1, 1, 1]) : tf.scalar(1)
    },
    noise: (site, output) => {
      const shape = network.values[output]
      const { height, width, channels } = shape
      return tf.tensor4d(drawNoise(feed.batch, site, shape), [batchSize, height, width, channels])
    },
    activationMasks: activationMasks && ownGates(activationMasks),
  }
}

/** What an executable keeps: how its running statistics start, and what a state must look like to be restored. */
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import { type Network, parameterCount } from '../core/network.ts'

/** Means 0, variances 1, as a state has them: one after the other for each tracked batch normalisation. */
export function initialStatistics({ statistics }: Network): Float32Array {
  return Float32Array.from(
    statistics.flatMap((channels) => Array.from({ length: 2 * channels }, (_, i) => (i < channels ? 0 : 1))),
  )
}

/** @throws BenchError `bad-input` that says which part has the wrong length; so that nothing is half restored */
export function checkState(network: Network, { weights, momentum, statistics }: ExecutableState): void {
  const length = parameterCount(network)
  const expected = {
    weights: length,
    momentum: length,
    'running statistics': 2 * network.statistics.reduce((sum, channels) => sum + channels, 0),
  }
  const found = { weights, momentum, 'running statistics': statistics }
  for (const part of ['weights', 'momentum', 'running statistics'] as const) {
    if (found[part].length === expected[part]) continue
    const counts = `${found[part].length} ${part}, expected ${expected[part]}`
    throw new BenchError('bad-input', `the state is not one of ${network.name}: it has ${counts}`)
  }
}

/** Checks, defaults and wrapping that the executables of all backends share. */
import { BenchError } from '../core/errors.ts'
import type { Executable, ExecutableState, Feed, Objective } from '../core/executor.ts'
import { type Network, parameterCount } from '../core/network.ts'

/** @throws BenchError `unsupported` where a pooling is dilated, which no executor implements */
export function checkPoolings({ name, layers }: Network): void {
  for (const layer of layers) {
    if ((layer.kind !== 'avgPool' && layer.kind !== 'maxPool') || layer.window.dilation === 1) continue
    throw new BenchError('unsupported', `${name}: pooling with dilation ${layer.window.dilation}; only 1 is supported`)
  }
}

/** @throws BenchError `bad-input` that names the part of the feed with a wrong length, or a label outside the classes */
export function checkFeed(network: Network, batchSize: number, feed: Feed, objective?: Objective): void {
  const { batch, coefficients, active, pathScales } = feed
  const { height, width, channels } = network.values[0]
  const count = network.coefficientCount
  if (batch.size < 1 || batch.size > batchSize) {
    throw new BenchError(
      'bad-input',
      `a batch of ${batch.size} samples; ${network.name} was compiled for 1 to ${batchSize}`,
    )
  }
  expectLength('images', batch.images.length, batch.size * height * width * channels)
  expectLength('labels', batch.labels.length, batch.size)
  if (count > 0) expectLength('coefficients', coefficients?.length ?? 0, count)
  if (active) expectLength('active', active.length, count)
  if (pathScales) expectLength('pathScales', pathScales.length, network.pathCount * batch.size)
  if (objective?.kind === 'logits') {
    expectLength('cotangent', objective.cotangent.length, batch.size * network.classes)
  }
  checkLabels(network, feed)

  function expectLength(what: string, found: number, expected: number): void {
    if (found === expected) return
    throw new BenchError('bad-input', `${network.name}: ${what} has ${found} entries, expected ${expected}`)
  }
}

function checkLabels({ classes }: Network, { batch }: Feed): void {
  const sample = batch.labels.findIndex((label) => !(label >= 0 && label < classes))
  if (sample < 0) return
  const label = batch.labels[sample]
  throw new BenchError('bad-input', `sample ${sample} has label ${label}, but the network has ${classes} classes`)
}

/** Returns the feed with all paths on and the coefficients of the switched-off ones 0: the same outputs, all computed. */
export function withAllPaths({ active, ...feed }: Feed): Feed {
  const { coefficients } = feed
  if (active === undefined || coefficients === undefined) return feed
  return { ...feed, coefficients: coefficients.map((value, i) => (active[i] === 0 ? 0 : value)) }
}

/** Returns the running statistics of an untrained network: for each tracked batch norm its means, 0, then its variances, 1. */
export function initialStatistics({ statistics }: Network): Float32Array {
  return Float32Array.from(
    statistics.flatMap((channels) => Array.from({ length: 2 * channels }, (_, i) => (i < channels ? 0 : 1))),
  )
}

/** @throws BenchError `bad-input` that names the part of the state with a wrong length, before anything is restored */
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

/** Returns an executable with some members replaced; everything else is forwarded to the given one. */
export function withOverrides(executable: Executable, overrides: Partial<Executable>): Executable {
  return new Proxy(executable, {
    get(target, property) {
      if (Object.hasOwn(overrides, property)) return Reflect.get(overrides, property)
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

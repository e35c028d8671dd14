/** Feeds: what they must look like to be run, and the same with all paths on. */
import { BenchError } from '../core/errors.ts'
import type { Feed, Objective } from '../core/executor.ts'
import type { Network } from '../core/network.ts'

/** @throws BenchError `bad-input` that says which part has the wrong length, or which label is no class */
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

/** Computes what the feed switches off, too, at weights of 0: the same outputs. */
export function withAllPaths({ active, ...feed }: Feed): Feed {
  const { coefficients } = feed
  if (active === undefined || coefficients === undefined) return feed
  return { ...feed, coefficients: coefficients.map((value, i) => (active[i] === 0 ? 0 : value)) }
}

function checkLabels({ classes }: Network, { batch }: Feed): void {
  const sample = batch.labels.findIndex((label) => !(label >= 0 && label < classes))
  if (sample < 0) return
  const label = batch.labels[sample]
  throw new BenchError('bad-input', `sample ${sample} has label ${label}, but the network has ${classes} classes`)
}

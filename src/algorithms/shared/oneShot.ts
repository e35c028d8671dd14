/**
 * The loop of one-shot search: a supernet is trained on one architecture per step, and architectures are then ranked by
 * their validation accuracy with the shared weights (Bender et al. 2018; Li and Talwalkar 2019).
 */
import { measureNetwork, metricPct } from '../../analysis/reportedMetric.ts'
import type { EpochReport, SearchContext } from '../../core/algorithm.ts'
import type { Batch } from '../../core/data.ts'
import { type Mixing, onlyOnes } from '../../core/mixing.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import type { Supernet } from '../../core/supernet.ts'
import { feedOf } from '../../training/supernet.ts'
import { sgdOf } from './bilevel.ts'
import { trainReport } from './epochReport.ts'
import { count } from './options.ts'

/** Returns the one-hot mixing weights with which a supernet computes a single architecture. */
export const onlyPath = (space: SearchSpace, genotype: Genotype): Mixing => onlyOnes(space.oneHot(genotype))

/**
 * Trains the supernet's shared weights for one epoch, one architecture per step.
 * @param pathOf returns the architecture that a step trains
 */
export async function trainOnPaths(
  { space, protocol, data }: SearchContext,
  supernet: Supernet,
  epoch: number,
  pathOf: (step: number) => Genotype,
): Promise<EpochReport> {
  const { weights } = await data()
  const sgd = sgdOf(protocol, epoch)
  for (let step = epoch * weights.batchesPerEpoch; step < (epoch + 1) * weights.batchesPerEpoch; step++) {
    await supernet.step(await weights.batch(step), onlyPath(space, pathOf(step)), sgd)
  }
  return trainReport(await supernet.takeTally())
}

/** Options shared by the algorithms that rank architectures by their accuracy with a supernet's shared weights. */
export const rankingOptions = {
  candidates: count(100, 'architectures ranked at the end; after other epochs a tenth of them (NAS-Bench-201)'),
  rankingImages: count(512, 'validation images that rank them, the same for all of a ranking (NATS-Bench)'),
}

/** Settings of a ranking of candidate architectures by their accuracy with the shared weights. */
export interface Ranking {
  readonly candidates: number
  readonly rankingImages: number
  /** Number of candidates ranked after each epoch but the last; absent: a tenth of `candidates`. */
  readonly perEpoch?: number
  /**
   * Statistics with which batch norms normalise during the ranking. `probe`, the default: those of the batch; `eval`:
   * the running ones if the network keeps them.
   */
  readonly mode?: 'probe' | 'eval'
}

/** The best architecture of a ranking, with its validation loss and accuracy under the shared weights. */
export interface Winner {
  readonly genotype: Genotype
  readonly validLoss: number
  readonly validAccuracyPct: number
  /** Value of the protocol's metric, by which the architectures were ranked; absent if that is the accuracy. */
  readonly validMetricPct?: number
}

/**
 * Ranks candidate architectures by their validation accuracy with the shared weights, or by the protocol's metric, and
 * returns the best; ties go to the lower loss. Every epoch's ranking uses the next images of the validation set.
 * @param draw returns the n-th candidate architecture
 */
export async function rank(
  context: SearchContext,
  supernet: Supernet,
  epoch: number,
  { candidates, rankingImages, perEpoch = Math.ceil(candidates / 10), mode = 'probe' }: Ranking,
  draw: (candidate: number) => Genotype,
): Promise<Winner> {
  const batches = await validationBatches(context, epoch, rankingImages)
  const last = epoch === context.protocol.epochs - 1
  const many = last ? candidates : perEpoch
  const ranked: Winner[] = []
  for (let n = 0; n < many; n++) {
    const genotype = draw(n)
    const mixing = onlyPath(context.space, genotype)
    const tally = await supernet.evaluate(batches, mixing, mode)
    ranked.push({
      ...{ genotype, validLoss: tally.loss, validAccuracyPct: (100 * tally.correct) / tally.samples },
      ...(await metricReport(context.protocol, supernet, mixing, batches, mode)),
    })
  }
  return ranked.reduce((best, other) => (isBetter(other, best) ? other : best))
}

/** Returns the protocol's metric on the batches, as a part of a report; empty if the metric is the accuracy. */
async function metricReport(
  { metric = 'top1' }: SearchContext['protocol'],
  { executable }: Supernet,
  mixing: Mixing,
  batches: readonly Batch[],
  mode: 'probe' | 'eval',
): Promise<Pick<EpochReport, 'validMetricPct'>> {
  if (metric === 'top1') return {}
  const feeds = batches.map((batch) => feedOf(batch, mixing))
  return { validMetricPct: metricPct(metric, await measureNetwork(executable, feeds, mode)) }
}

function isBetter(a: Winner, b: Winner): boolean {
  const [of, to] = [a, b].map(({ validMetricPct, validAccuracyPct }) => validMetricPct ?? validAccuracyPct)
  return of > to || (of === to && a.validLoss < b.validLoss)
}

/** Loads the validation batches on which the candidates of an epoch's ranking are compared. */
async function validationBatches({ data }: SearchContext, epoch: number, images: number): Promise<Batch[]> {
  const { validation } = await data()
  const many = Math.min(validation.batchesPerEpoch, Math.ceil(images / validation.batchSize))
  const indices = Array.from({ length: many }, (_, i) => (epoch * many + i) % validation.batchesPerEpoch)
  return Promise.all(indices.map((index) => validation.batch(index)))
}

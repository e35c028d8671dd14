/** Probe of the accuracies of architectures sampled from the current mixing weights (DrNAS, §4.4 and Figure 1). */
import { quantile } from 'simple-statistics'
import { z } from 'zod'
import type { Search } from '../../core/algorithm.ts'
import type { Evaluator } from '../../core/evaluation.ts'
import { formatQualifier } from '../../core/metric.ts'
import type { Matrix } from '../../core/mixing.ts'
import type { ProbeContext } from '../../core/probe.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Genotype } from '../../core/space.ts'
import { defineProbe, every } from './definition.ts'

export interface RangeRecord {
  /**
   * How architectures were sampled. `relaxation`: mixing weights are drawn from the search method's own distribution.
   * `categorical`: each edge draws one operation with the probabilities theta, for methods that learn no distribution.
   */
  readonly sampling: 'relaxation' | 'categorical'
  readonly samples: number
  /**
   * For each accuracy that the protocol reports and the lookup table has, by its name (dataset/split/epochs/seed): the
   * range of the sampled architectures, in %.
   */
  readonly accuracyPct: Readonly<Record<string, AccuracyRange>>
}

export interface AccuracyRange {
  /** Quantiles of the sampled accuracies in %; absent in records of earlier versions. */
  readonly quantiles?: { readonly p10: number; readonly p25: number; readonly p75: number; readonly p90: number }
  readonly min: number
  readonly mean: number
  readonly max: number
  /** Accuracy in % of the architecture that the search would return if it ended now. */
  readonly derived: number
}

const options = z.object({ every: every(1), samples: z.coerce.number().int().min(1).default(100) })

export const rangeProbe = defineProbe({
  name: 'range',
  description: 'accuracies of architectures sampled from the learned distribution, and of the derived one',
  options,
  async measure(search, context, { samples }, index): Promise<RangeRecord | undefined> {
    const { evaluator } = context
    const headline = context.protocol.headline[context.dataset ?? '']
    if (search.relaxed === undefined || evaluator === undefined || headline === undefined) return undefined
    const stream = context.random('range', index)
    const genotypes = Array.from({ length: samples }, () => sampleGenotype(search, context, stream))
    const sampled = await Promise.all(genotypes.map((genotype) => accuracies(evaluator, genotype)))
    const derived = await accuracies(evaluator, search.genotype())
    const qualifiers = headline.flatMap(({ validation, test }) => [validation, test])
    const ranges = qualifiers.flatMap((qualifier) => {
      const range = summarise(
        sampled.map((numbers) => numbers.get(qualifier)),
        derived.get(qualifier),
      )
      return range === undefined ? [] : [[qualifier, range] as const]
    })
    const sampling = search.relaxed.relaxation.stochastic ? 'relaxation' : 'categorical'
    return { sampling, samples, accuracyPct: Object.fromEntries(ranges) }
  },
})

function sampleGenotype({ relaxed }: Search, { space }: ProbeContext, stream: RandomStream): Genotype {
  if (relaxed === undefined) throw new TypeError('a search without a relaxation has nothing to sample from')
  const { relaxation } = relaxed
  const { theta, edgeWeights } = relaxation.relax(relaxed.parameters(), stream).mixing
  return space.derive(relaxation.stochastic ? theta : oneHot(theta, stream), edgeWeights)
}

/** Draws one operation for each edge, with the mixing weights as probabilities. Returns a one-hot matrix. */
function oneHot(theta: Matrix, stream: RandomStream): Matrix {
  return theta.map((row) => {
    let left = stream.uniform() * row.reduce((sum, value) => sum + value, 0)
    const passed = row.findIndex((value) => {
      left -= value
      return left < 0
    })
    const chosen = passed === -1 ? row.length - 1 : passed
    return row.map((_, op) => (op === chosen ? 1 : 0))
  })
}

async function accuracies(evaluator: Evaluator, genotype: Genotype): Promise<ReadonlyMap<string, number>> {
  const { metrics } = (await evaluator.lookup(genotype)) ?? { metrics: [] }
  return new Map(metrics.map((metric) => [formatQualifier(metric), metric.accuracyPct]))
}

/** Returns minimum, mean, maximum and quantiles of the sampled accuracies; undefined if an accuracy is missing. */
function summarise(sampled: readonly (number | undefined)[], derived: number | undefined): AccuracyRange | undefined {
  const known = sampled.filter((value) => value !== undefined)
  if (derived === undefined || known.length < sampled.length) return undefined
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  const [p10, p25, p75, p90] = quantile(known, [0.1, 0.25, 0.75, 0.9])
  return { min: Math.min(...known), mean, max: Math.max(...known), derived, quantiles: { p10, p25, p75, p90 } }
}

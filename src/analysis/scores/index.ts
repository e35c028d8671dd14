/**
 * The built-in training-free scores, in the order of `bench list scores`, and scores that combine an architecture's
 * ranks in several of them.
 */
import { BenchError } from '../../core/errors.ts'
import type { Registry } from '../../core/plugin.ts'
import type { RankScore, Score } from '../../core/score.ts'
import { jacov, linearRegions, naswot } from './activations.ts'
import { azExpressivity, azProgressivity, azTrainability } from './azNas.ts'
import { flops, l2Norm, params } from './baselines.ts'
import { mgm, mgmOutputs, zico } from './batches.ts'
import { fisher, gradNorm, grasp, plain, snip, synflow } from './gradients.ts'
import { ntkCondition, ntkFrobenius, ntkTrace } from './kernel.ts'
import { zen } from './zen.ts'

/** The score `az-nas`: the sum over the four scores of AZ-NAS of log(rank / number of architectures). */
const azNas: RankScore = {
  name: 'az-nas',
  version: 1,
  description: 'AZ-NAS: sum of the log-ranks of its three scores and of flops',
  source: azExpressivity.source,
  better: 'higher',
  parts: [azExpressivity.name, azProgressivity.name, azTrainability.name, flops.name],
  combine: (ranks, count) => ranks.reduce((sum, rank) => sum + Math.log(rank / count), 0),
}

/** All built-in scores; the baselines come first. */
export const builtinScores: readonly (Score | RankScore)[] = [
  params,
  flops,
  l2Norm,
  synflow,
  snip,
  gradNorm,
  plain,
  grasp,
  fisher,
  naswot,
  jacov,
  zen,
  ntkCondition,
  ntkTrace,
  ntkFrobenius,
  mgm,
  mgmOutputs,
  zico,
  linearRegions,
  azExpressivity,
  azProgressivity,
  azTrainability,
  azNas,
]

/** The scores that are printed beside every other score, because a score that does not beat them is of no use. */
export const BASELINES: readonly string[] = [params.name, flops.name]

export const isRankScore = (score: Score | RankScore): score is RankScore => 'parts' in score

/**
 * Returns the score with the given name; names joined by + stand for the sum of an architecture's ranks in these
 * scores, as in `synflow+naswot`.
 * @throws BenchError `unknown-name`, or `bad-input` if a name occurs twice or is itself a combination of ranks
 */
export function scoreNamed(registry: Registry, name: string): Score | RankScore {
  if (!name.includes('+')) return registry.score(name)
  const parts = name.split('+').map((part) => part.trim())
  const twice = parts.find((part, i) => parts.indexOf(part) !== i)
  if (twice !== undefined) throw new BenchError('bad-input', `--score ${name}: ${twice} is named twice`)
  for (const part of parts) {
    if (!isRankScore(registry.score(part))) continue
    throw new BenchError('bad-input', `--score ${name}: ${part} combines ranks itself; name its parts`)
  }
  return {
    name: parts.join('+'),
    version: 1,
    description: `sum of the ranks of ${parts.join(', ')}`,
    source: 'sum of ranks',
    better: 'higher',
    parts,
    combine: (ranks) => ranks.reduce((sum, rank) => sum + rank, 0),
  }
}

/**
 * Rules that stop a search with architecture parameters before its last epoch.
 *
 * `eigenvalue` (RobustDARTS; Zela et al., "Understanding and Robustifying Differentiable Architecture Search", ICLR
 * 2020, §4.3): the dominant eigenvalue of ∇²_α L_val is measured after every second epoch. When its local average has
 * grown too much, no more epochs are trained, and the search answers with the architecture that it had before the
 * growth (the rule is in `analysis/earlyStopping.ts`). Differences from RobustDARTS' code: every measurement uses the
 * first batch of the validation half without augmentation, where the code uses the last batch that α was trained on;
 * and the weight decay of α, which adds 1e-3 to every eigenvalue, is left out. As in that code, the eigenvalue is not
 * measured after the last epoch, because no training would be saved.
 *
 * `skips` and `ranks` (DARTS+; Liang, Zhang, Sun, He, Huang, Zhuang, Li: "DARTS+: Improved Differentiable Architecture
 * Search with Early Stopping", 2019): the search ends after an epoch in which the derived normal cell has two skip
 * connections, or in which the order of α among the learnable operations (convolutions) of every edge has stayed the
 * same for ten epochs. The answer is the architecture of that epoch. On NAS-Bench-201 the skip connections of its six
 * edges are counted. The paper does not say what holds in the first epochs, where the derived cell is still that of the
 * random start: no rule ends a search before epoch `earlyStopFrom`.
 */

import type { z } from 'zod'
import { architectureGradient } from '../../analysis/architectureGradient.ts'
import { FACTOR, type Measurement, stopEpoch } from '../../analysis/earlyStopping.ts'
import { dominantEigenvalue, hessianProduct } from '../../analysis/hessian.ts'
import type { PlannedSearch, RelaxedSearch, SearchContext, SearchState } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { Matrix } from '../../core/mixing.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { dependentOptions, optionalChoice, optionalCount } from './options.ts'
import { type SearchWithAlpha, searchWith } from './searchWith.ts'
import { possibleSkips, skippedEdges } from './skips.ts'

/** The rules of early stopping, by the name that users type. */
export type StopRule = 'eigenvalue' | 'skips' | 'ranks'

/** Options of early stopping, as typed by the user. */
export interface EarlyStopOptions {
  readonly earlyStop?: StopRule
  readonly earlyStopEvery?: number
  readonly earlyStopFrom?: number
  readonly earlyStopAt?: number
}

const schemas = {
  earlyStop: optionalChoice(
    ['eigenvalue', 'skips', 'ranks'],
    'stop when the dominant eigenvalue has grown, at many skip connections, or when α keeps its order; default: never',
  ),
  earlyStopEvery: optionalCount("eigenvalue: epochs between two measurements; default: 2 (RobustDARTS' scripts)"),
  earlyStopFrom: optionalCount(
    'earliest epoch (from 0) to answer with; default: 10, or 20 % of fewer than 50 epochs',
    0,
  ),
  earlyStopAt: optionalCount(
    'skips: number of skip connections, default 2; ranks: epochs in the same order, default 10 or 20 % of fewer than 50',
  ),
}

/** Adds the options of early stopping to the zod schema of an algorithm's options. */
export const earlyStopOptions = (own: z.ZodObject): z.ZodObject =>
  dependentOptions(
    dependentOptions(
      dependentOptions(
        own.safeExtend(schemas),
        ['earlyStopFrom'],
        ({ earlyStop }) => earlyStop !== undefined,
        'earlyStop=eigenvalue, earlyStop=skips or earlyStop=ranks',
      ),
      ['earlyStopEvery'],
      ({ earlyStop }) => earlyStop === 'eigenvalue',
      'earlyStop=eigenvalue',
    ),
    ['earlyStopAt'],
    ({ earlyStop }) => earlyStop === 'skips' || earlyStop === 'ranks',
    'earlyStop=skips or earlyStop=ranks',
  )

/** A measured dominant eigenvalue, and the architecture that the search would have answered at that time. */
interface Candidate extends Measurement {
  readonly genotype: Genotype
}

/**
 * Checks the options of early stopping before a search runs.
 * @param chosenBy what the user gave, for error messages, where that is not the option `earlyStop` itself
 * @throws BenchError `bad-input` if the rule could not end a search of so many epochs in this space
 */
export function checkEarlyStop(
  name: string,
  { space, protocol: { epochs } }: Pick<PlannedSearch, 'space' | 'protocol'>,
  options: EarlyStopOptions,
  chosenBy?: string,
) {
  const { earlyStop } = options
  if (earlyStop === undefined) return
  const { every, startEpoch, at } = earlyStopSettings(epochs, options)
  const refuse = (found: string, remedy: string) => {
    throw new BenchError(
      'bad-input',
      `${name}: ${chosenBy ?? `earlyStop=${earlyStop}`} ${found}; ${remedy}, or leave it out`,
    )
  }
  if (earlyStop === 'eigenvalue') {
    const measured = Array.from({ length: epochs - 1 }, (_, epoch) => epoch).filter((epoch) => epoch % every === 0)
    const growing = measured.map((epoch, i) => ({ epoch, dominantEigenvalue: 2 ** i }))
    const canStop = growing.some((_, i) => stopEpoch(growing.slice(0, i + 1), { every, startEpoch }) !== undefined)
    if (canStop) return
    const found = `cannot end ${pluralize(epochs, 'epoch')}, measured every ${every} and not before epoch ${startEpoch}`
    refuse(found, chosenBy === undefined ? 'give more epochs, a smaller earlyStopEvery' : 'give more epochs')
  }
  if (Math.max(startEpoch, earlyStop === 'ranks' ? at : 0) >= epochs - 1) {
    const order = earlyStop === 'ranks' ? `, nor before ${pluralize(at, 'epoch')} in the same order` : ''
    refuse(`cannot end ${pluralize(epochs, 'epoch')}: not before epoch ${startEpoch}${order}`, 'give more epochs')
  }
  if (earlyStop === 'skips') {
    const most = possibleSkips(space)
    const found = `waits for ${pluralize(at, 'skip connection')}, and a normal cell has at most ${most}`
    if (at > most) refuse(found, most > 0 ? 'give fewer' : 'take another rule')
  }
  if (earlyStop === 'ranks' && !hasRanks(space)) {
    refuse('compares convolutions, and no edge has two of them', 'take another rule')
  }
}

/**
 * Returns the settings of early stopping, defaults included: the epochs between two measurements, the earliest epoch to
 * answer with, and the number of skip connections or of epochs at which a rule of DARTS+ stops.
 */
export const earlyStopSettings = (
  epochs: number,
  { earlyStop, earlyStopEvery, earlyStopFrom, earlyStopAt }: EarlyStopOptions,
): { readonly every: number; readonly startEpoch: number; readonly at: number } => {
  const tenOrFifth = Math.min(10, Math.floor(0.2 * epochs))
  return {
    every: earlyStopEvery ?? 2,
    startEpoch: earlyStopFrom ?? tenOrFifth,
    at: earlyStopAt ?? (earlyStop === 'ranks' ? Math.max(1, tenOrFifth) : 2),
  }
}

/** Tells whether an edge of the space has two learnable operations, whose order the rule `ranks` can compare. */
export const hasRanks = ({ edges }: SearchSpace): boolean =>
  edges.some(({ operations }) => operations.filter(isLearnable).length > 1)

const isLearnable = (operation: string): boolean => /conv/.test(operation)

/**
 * Wraps a search so that it stops early, if the options ask for it.
 * @param measure computes the eigenvalue; tests replace it
 */
export function earlyStopped(
  context: SearchContext,
  search: SearchWithAlpha,
  options: EarlyStopOptions,
  measure: typeof dominantEigenvalueNow = dominantEigenvalueNow,
): SearchWithAlpha {
  const { earlyStop } = options
  if (earlyStop === undefined) return search
  if (earlyStop === 'eigenvalue') return stoppedByEigenvalue(context, search, options, measure)
  return stoppedByState(context.space, search, earlyStop, earlyStopSettings(search.epochs, options))
}

function stoppedByEigenvalue(
  context: SearchContext,
  search: SearchWithAlpha,
  options: EarlyStopOptions,
  measure: typeof dominantEigenvalueNow,
): SearchWithAlpha {
  const { every, startEpoch } = earlyStopSettings(search.epochs, options)
  let candidates: readonly Candidate[] = []
  const chosen = () => {
    const epoch = stopEpoch(candidates, { every, startEpoch })
    return candidates.find((candidate) => candidate.epoch === epoch)
  }
  return searchWith(search, {
    async epoch(index) {
      const report = await search.epoch(index)
      if (index % every !== 0 || index === search.epochs - 1) return report
      const dominantEigenvalue = await measure(context, search.relaxed, index)
      candidates = [...candidates, { epoch: index, dominantEigenvalue, genotype: search.genotype() }]
      const answer = chosen()
      return {
        ...report,
        extra: { ...report.extra, dominantEigenvalue, ...(answer && { stopEpoch: answer.epoch }) },
      }
    },
    get ended() {
      const answer = chosen()
      return (
        answer &&
        `the dominant eigenvalue grew more than ${FACTOR}-fold; the answer is that of epoch ${answer.epoch + 1}`
      )
    },
    genotype: () => chosen()?.genotype ?? search.genotype(),
    save: async () => ({ search: await search.save(), candidates }),
    restore(saved) {
      const state = saved as { readonly search: SearchState; readonly candidates: readonly Candidate[] }
      candidates = state.candidates
      return search.restore(state.search)
    },
  })
}

/**
 * Progress towards a stop: the current order of α, the number of epochs for which it has stayed the same, and the
 * reason for the stop once it has happened.
 */
interface Progress {
  readonly order: string
  readonly kept: number
  readonly reason?: string
}

/** Wraps a search so that it stops by a rule of DARTS+, which reads its derived architecture or the order of its α. */
function stoppedByState(
  space: SearchSpace,
  search: SearchWithAlpha,
  rule: 'skips' | 'ranks',
  { startEpoch, at }: ReturnType<typeof earlyStopSettings>,
): SearchWithAlpha {
  let progress: Progress = { order: '', kept: -1 }
  return searchWith(search, {
    async epoch(index) {
      const report = await search.epoch(index)
      const { relaxation, parameters } = search.relaxed
      const order = orderOf(space, relaxation.relax(parameters()).mixing.theta)
      const kept = order === progress.order ? progress.kept + 1 : 0
      const skips = skippedEdges(space, search.genotype()).length
      const found = rule === 'skips' ? skips : kept
      const met = index >= startEpoch && found >= at && index < search.epochs - 1
      const text =
        rule === 'skips' ? pluralize(skips, 'skip connection') : `the same order of α for ${pluralize(kept, 'epoch')}`
      progress = { order, kept, ...(met && { reason: text }) }
      const extra: Record<string, number> = rule === 'skips' ? { skipConnections: skips } : { sameOrderEpochs: kept }
      return { ...report, extra: { ...report.extra, ...extra } }
    },
    get ended() {
      return progress.reason ?? search.ended
    },
    save: async () => ({ search: await search.save(), progress }),
    restore(saved) {
      const state = saved as { readonly search: SearchState; readonly progress: Progress }
      progress = state.progress
      return search.restore(state.search)
    },
  })
}

/** Describes the order of the mixing weights among the learnable operations of each edge. */
const orderOf = (space: SearchSpace, theta: Matrix): string =>
  space.edges
    .map(({ operations }, edge) =>
      [...operations.keys()]
        .filter((op) => isLearnable(operations[op]))
        .sort((a, b) => theta[edge][b] - theta[edge][a] || a - b)
        .join('>'),
    )
    .join(' ')

/** Computes the dominant eigenvalue of ∇²_α L_val on the first validation batch, at the current α and w. */
export async function dominantEigenvalueNow(
  { data, random }: SearchContext,
  search: RelaxedSearch,
  epoch: number,
): Promise<number> {
  const at = search.parameters().flat()
  const { gradient, dispose } = await architectureGradient(search, await (await data()).validation.batch(0))
  try {
    return await dominantEigenvalue(hessianProduct(gradient, at), at.length, random('early-stop', epoch))
  } finally {
    dispose()
  }
}

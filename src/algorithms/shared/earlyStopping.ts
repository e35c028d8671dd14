/**
 * Early stopping by the dominant eigenvalue of ∇²_α L_val (RobustDARTS; Zela et al., "Understanding and Robustifying
 * Differentiable Architecture Search", ICLR 2020, §4.3), for every search that has architecture parameters.
 *
 * The eigenvalue is measured after every second epoch. When its local average has grown too much, no more epochs are
 * trained, and the search answers with the architecture that it had before the growth (the rule is in
 * `analysis/earlyStopping.ts`).
 *
 * Differences from RobustDARTS' code: every measurement uses the first batch of the validation half without
 * augmentation, where the code uses the last batch that α was trained on; and the weight decay of α, which adds 1e-3 to
 * every eigenvalue, is left out. As in that code, the eigenvalue is not measured after the last epoch, because no
 * training would be saved.
 */

import { z } from 'zod'
import { architectureGradient } from '../../analysis/architectureGradient.ts'
import { FACTOR, type Measurement, stopEpoch } from '../../analysis/earlyStopping.ts'
import { dominantEigenvalue, hessianProduct } from '../../analysis/hessian.ts'
import type { RelaxedSearch, Search, SearchContext, SearchState } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype } from '../../core/space.ts'
import { dependentOptions, optionalChoice, optionalCount } from './options.ts'

/** Options of early stopping by the eigenvalue, as typed by the user. */
export interface EarlyStopOptions {
  readonly earlyStop?: 'eigenvalue'
  readonly earlyStopEvery?: number
  readonly earlyStopFrom?: number
}

const schemas = {
  earlyStop: optionalChoice(['eigenvalue'], 'stop when the dominant eigenvalue has grown; default: train all epochs'),
  earlyStopEvery: optionalCount("epochs between two measurements; default: 2 (RobustDARTS' scripts)"),
  earlyStopFrom: optionalCount('earliest epoch (from 0) to return to; default: 10, or 20 % of fewer than 50 epochs', 0),
}

/** Makes the zod schema of an algorithm's options: the given ones and those of early stopping. */
export const withEarlyStop = <Own extends z.ZodRawShape>(own: Own) =>
  dependentOptions(
    z.strictObject({ ...own, ...schemas }),
    ['earlyStopEvery', 'earlyStopFrom'],
    ({ earlyStop }) => earlyStop !== undefined,
    'earlyStop=eigenvalue',
  )

/** A search with architecture parameters, so that the dominant eigenvalue of ∇²_α L_val can be measured. */
type MeasurableSearch = Search & { readonly relaxed: RelaxedSearch }

/** A measured dominant eigenvalue, and the architecture that the search would have answered at that time. */
interface Candidate extends Measurement {
  readonly genotype: Genotype
}

/**
 * Checks the options of early stopping (by the eigenvalue of ∇²_α L_val) before a search runs.
 * @throws BenchError `bad-input` if no growth of the eigenvalue could end a search of so many epochs
 */
export function checkEarlyStop(
  name: string,
  epochs: number,
  { earlyStop, earlyStopEvery, earlyStopFrom }: EarlyStopOptions,
) {
  if (earlyStop === undefined) return
  const { every, startEpoch } = settingsOf(epochs, { earlyStopEvery, earlyStopFrom })
  const measured = Array.from({ length: epochs - 1 }, (_, epoch) => epoch).filter((epoch) => epoch % every === 0)
  const growing = measured.map((epoch, i) => ({ epoch, dominantEigenvalue: 2 ** i }))
  const canStop = growing.some((_, i) => stopEpoch(growing.slice(0, i + 1), { every, startEpoch }) !== undefined)
  if (canStop) return
  const found = `earlyStop=eigenvalue cannot end ${pluralize(epochs, 'epoch')}, measured every ${every} and not before epoch ${startEpoch}`
  throw new BenchError('bad-input', `${name}: ${found}; give more epochs, a smaller earlyStopEvery, or leave it out`)
}

const settingsOf = (epochs: number, { earlyStopEvery, earlyStopFrom }: EarlyStopOptions) => ({
  every: earlyStopEvery ?? 2,
  startEpoch: earlyStopFrom ?? Math.min(10, Math.floor(0.2 * epochs)),
})

/**
 * Wraps a search so that it stops early when the dominant eigenvalue has grown, if the options ask for it.
 * @param measure computes the eigenvalue; tests replace it
 */
export function earlyStopped(
  context: SearchContext,
  search: MeasurableSearch,
  options: EarlyStopOptions,
  measure: typeof eigenvalueNow = eigenvalueNow,
): MeasurableSearch {
  if (options.earlyStop === undefined) return search
  const { every, startEpoch } = settingsOf(search.epochs, options)
  let candidates: readonly Candidate[] = []
  const chosen = () => {
    const epoch = stopEpoch(candidates, { every, startEpoch })
    return candidates.find((candidate) => candidate.epoch === epoch)
  }
  return {
    epochs: search.epochs,
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
    relaxed: search.relaxed,
    dispose: () => search.dispose(),
  }
}

/** Computes the dominant eigenvalue of ∇²_α L_val on the first validation batch, at the current α and w. */
async function eigenvalueNow({ data, random }: SearchContext, search: RelaxedSearch, epoch: number): Promise<number> {
  const at = search.parameters().flat()
  const { gradient, dispose } = await architectureGradient(search, await (await data()).validation.batch(0))
  try {
    return await dominantEigenvalue(hessianProduct(gradient, at), at.length, random('early-stop', epoch))
  } finally {
    dispose()
  }
}

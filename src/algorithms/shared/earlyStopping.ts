/**
 * Early stopping by the dominant eigenvalue of ∇²_α L_val (RobustDARTS; Zela et al., "Understanding and Robustifying
 * Differentiable Architecture Search", ICLR 2020, §4.3), around any search that has architecture parameters.
 *
 * The search is measured every second epoch. When the local average of the eigenvalue has grown too much, no more epochs
 * are trained, and the answer is the architecture from before it grew (`analysis/earlyStopping.ts` has the rule).
 *
 * Departures from RobustDARTS' code: the batch is the first of the validation half at every measurement, without
 * augmentation, where it takes the last one that α was trained on; and its decay of α, which adds 1e-3 to every
 * eigenvalue, is left out. As there, the last epoch is not measured: nothing is left to be saved by it.
 */
import { z } from 'zod'
import { architectureGradient } from '../../analysis/architectureGradient.ts'
import { FACTOR, type Measurement, stopEpoch } from '../../analysis/earlyStopping.ts'
import { dominantEigenvalue, hessianProduct } from '../../analysis/hessian.ts'
import type { RelaxedSearch, Search, SearchContext, SearchState } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { Genotype } from '../../core/space.ts'
import { dependentOptions, optionalChoice, optionalCount } from './options.ts'

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

/** An algorithm's own options, and those of its early stopping. */
export const withEarlyStop = <Own extends z.ZodRawShape>(own: Own) =>
  dependentOptions(
    z.strictObject({ ...own, ...schemas }),
    ['earlyStopEvery', 'earlyStopFrom'],
    ({ earlyStop }) => earlyStop !== undefined,
    'earlyStop=eigenvalue',
  )

type MeasurableSearch = Search & { readonly relaxed: RelaxedSearch }

/** A measurement, and what the search would have answered then. */
interface Candidate extends Measurement {
  readonly genotype: Genotype
}

/** @throws BenchError `bad-input` where early stopping is asked for and no growth of the eigenvalue could end the search */
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
  const found = `earlyStop=eigenvalue cannot end ${epochs} epochs, measured every ${every} and not before epoch ${startEpoch}`
  throw new BenchError('bad-input', `${name}: ${found}; give more epochs, a smaller earlyStopEvery, or leave it out`)
}

const settingsOf = (epochs: number, { earlyStopEvery, earlyStopFrom }: EarlyStopOptions) => ({
  every: earlyStopEvery ?? 2,
  startEpoch: earlyStopFrom ?? Math.min(10, Math.floor(0.2 * epochs)),
})

/** The same search, ended early where the options ask for it. @param measure a test's own eigenvalue */
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

/** Largest eigenvalue of ∇²_α L_val on the first validation batch, at the α and w of the moment. */
async function eigenvalueNow({ data, random }: SearchContext, search: RelaxedSearch, epoch: number): Promise<number> {
  const at = search.parameters().flat()
  const { gradient, dispose } = await architectureGradient(search, await (await data()).validation.batch(0))
  try {
    return await dominantEigenvalue(hessianProduct(gradient, at), at.length, random('early-stop', epoch))
  } finally {
    dispose()
  }
}

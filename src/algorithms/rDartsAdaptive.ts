/**
 * DARTS-ADA (RobustDARTS; Zela et al., ICLR 2020): DARTS whose weight decay of w adapts. The dominant eigenvalue of
 * ∇²_α L_val is measured every second epoch; where early stopping would end the search (`shared/earlyStopping.ts`), the
 * search instead goes back to the epoch from before the eigenvalue grew, multiplies the weight decay by 10, and goes on
 * from there to the last epoch. From 3·10⁻⁴ this happens at most twice, as the decay stays below 0.03 as in the
 * authors' script.
 *
 * The search counts all epochs that it trains, those that it goes back over, too; so it may take up to three times the
 * epochs of the protocol. It keeps the state of the epochs to which it may go back.
 */
import { type Measurement, stopEpoch } from '../analysis/earlyStopping.ts'
import type { PlannedSearch, Search, SearchContext, SearchState } from '../core/algorithm.ts'
import { type BilevelMethod, bilevelSearch } from './shared/bilevel.ts'
import { checkEarlyStop, dominantEigenvalueNow, earlyStopSettings } from './shared/earlyStopping.ts'

const FACTOR = 10
const LARGEST_DECAY = 0.03

/** A measured epoch, and the state of the search after it. */
interface Kept extends Measurement {
  readonly state: SearchState
}

/** Progress of an adaptive search: its next epoch, its current weight decay and its measurements. */
interface Progress {
  /** Next epoch of the protocol to train (0-based); going back lowers it. */
  readonly next: number
  readonly weightDecay: number
  readonly measured: readonly Kept[]
}

/** Checks that an adaptive search has enough epochs. @throws BenchError `bad-input` if the decay could never grow */
export const checkAdaptive = (planned: PlannedSearch): void =>
  checkEarlyStop('r-darts', planned, { earlyStop: 'eigenvalue' }, 'by=adaptive')

/** Makes the search of DARTS-ADA. @param measure computes the eigenvalue; tests replace it */
export async function adaptiveSearch(
  context: SearchContext,
  method: BilevelMethod,
  measure: typeof dominantEigenvalueNow = dominantEigenvalueNow,
): Promise<Search> {
  const { protocol } = context
  const { every, startEpoch } = earlyStopSettings(protocol.epochs, { earlyStop: 'eigenvalue' })
  // The decay is read at each epoch, so one search serves all strengths.
  let progress: Progress = { next: 0, weightDecay: protocol.weights.weightDecay, measured: [] }
  const weights = {
    ...protocol.weights,
    get weightDecay() {
      return progress.weightDecay
    },
  }
  const search = await bilevelSearch({ ...context, protocol: { ...protocol, weights } }, method)
  const stronger = () => Number((progress.weightDecay * FACTOR).toPrecision(12))
  const mostRuns = 1 + Math.max(0, Math.floor(Math.log10(LARGEST_DECAY / protocol.weights.weightDecay) + 1e-9))
  return {
    epochs: mostRuns * protocol.epochs,
    get ended() {
      return progress.next < protocol.epochs ? undefined : `all ${protocol.epochs} epochs are trained`
    },
    scheduleEpoch: () => progress.next,
    async epoch() {
      const epoch = progress.next
      const report = await search.epoch(epoch)
      const extra = { weightDecay: progress.weightDecay, protocolEpoch: epoch }
      progress = { ...progress, next: epoch + 1 }
      if (epoch % every !== 0 || epoch === protocol.epochs - 1) return { ...report, extra }
      const dominantEigenvalue = await measure(context, search.relaxed, epoch)
      const measured = [...progress.measured, { epoch, dominantEigenvalue, state: await search.save() }]
      const back = stronger() <= LARGEST_DECAY ? stopEpoch(measured, { every, startEpoch }) : undefined
      const from = measured.find((kept) => kept.epoch === back)
      if (from === undefined) {
        progress = { ...progress, measured: withoutOldStates(measured, every) }
        return { ...report, extra: { ...extra, dominantEigenvalue } }
      }
      await search.restore(from.state)
      const earlier = measured.filter((kept) => kept.epoch <= from.epoch)
      progress = { next: from.epoch + 1, weightDecay: stronger(), measured: earlier }
      return { ...report, extra: { ...extra, dominantEigenvalue, backToEpoch: from.epoch } }
    },
    genotype: () => search.genotype(),
    save: async () => ({ search: await search.save(), progress }),
    restore(saved) {
      const state = saved as { readonly search: SearchState; readonly progress: Progress }
      progress = state.progress
      return search.restore(state.search)
    },
    relaxed: search.relaxed,
    dispose: () => search.dispose(),
  }
}

/**
 * Number of past measurements that the early-stopping rule needs: it compares averages that are 4 measurements apart,
 * and each averages a window of 5, which reaches 2 further back.
 */
const LOOK_BACK = 6

/** Drops the states of epochs to which the search cannot go back any more; their eigenvalues still count. */
const withoutOldStates = (measured: readonly Kept[], every: number): readonly Kept[] => {
  const oldest = (measured.at(-1)?.epoch ?? 0) - LOOK_BACK * every
  return measured.map((kept) => (kept.epoch < oldest ? { ...kept, state: {} } : kept))
}

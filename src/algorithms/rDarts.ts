/**
 * R-DARTS and DARTS-ADA (Zela, Elsken, Saikia, Marrakchi, Brox, Hutter: "Understanding and Robustifying Differentiable
 * Architecture Search", ICLR 2020): DARTS with a stronger regularisation of w, whose right strength is not known
 * beforehand. The option `by` says how it is found:
 *
 * - `l2`: four searches, with weight decay 3, 9, 27 and 81·10⁻⁴;
 * - `dropPath`: four searches that drop edges with probability up to 0, 0.2, 0.4 and 0.6 (the DARTS space only);
 * - `adaptive`: one search whose weight decay grows tenfold when the dominant eigenvalue has (`rDartsAdaptive.ts`).
 *
 * The four searches run one after another in one job, and the best architecture by validation is the answer: each found
 * architecture is trained from scratch for as many epochs as a search (`validationEpochs`), under the protocol's own
 * settings, and measured on the validation half. The cost of the job is that of all searches and trainings.
 *
 * Each search has the same random streams, and its own run through the epochs of the protocol, learning rate, drop path
 * and cutout included. The first search by drop path drops no edges, and so has no growing cutout either
 * (`automl/RobustDARTS`: src/search/args.py). As in the authors' scripts, the searches are second-order DARTS (`order`).
 *
 * The file is longer than those of other algorithms, because it also trains and compares what its searches find.
 */
import { z } from 'zod'
import { defineAlgorithm, type Search, type SearchContext } from '../core/algorithm.ts'
import type { ExecutableState } from '../core/executor.ts'
import type { Genotype } from '../core/space.ts'
import type { Supernet } from '../core/supernet.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { adaptiveSearch, checkAdaptive } from './rDartsAdaptive.ts'
import { type BilevelMethod, bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { onlyPath, trainOnPaths } from './shared/oneShot.ts'
import { choice, dependentOptions, optionalCount } from './shared/options.ts'
import { accuracyOnValidation } from './shared/perturbation.ts'
import { unrolled } from './shared/unrolled.ts'

/** Weight decays of w in the four searches of R-DARTS(L2). */
const DECAYS = [3e-4, 9e-4, 27e-4, 81e-4] as const
/** Largest probabilities of dropping an edge in the four searches of R-DARTS(DP). */
const DROPS = [0, 0.2, 0.4, 0.6] as const

const options = dependentOptions(
  z.strictObject({
    by: choice(['l2', 'dropPath', 'adaptive'], 'l2', 'how the strength of the regularisation is found'),
    order: choice(['first', 'second'], 'second', "the architecture gradient of DARTS (second: the authors' scripts)"),
    validationEpochs: optionalCount(
      'epochs that train each found architecture from scratch, to compare them; default: as a search; 0: shared weights',
      0,
    ),
  }),
  ['validationEpochs'],
  ({ by }) => by !== 'adaptive',
  'by=l2 or by=dropPath',
)

type Options = z.infer<typeof options>

const methodOf = (context: SearchContext, { order }: Options): BilevelMethod => ({
  start: initialParameters(context),
  relaxation: () => softmaxRelaxation,
  ...(order === 'second' && { gradient: unrolled({ secondOrder: 'finite-difference' }) }),
})

/** Makes the search that runs DARTS four times and keeps the best architecture by validation. */
async function repeatedSearch(context: SearchContext, given: Options): Promise<Search> {
  const { space, protocol } = context
  const { validationEpochs = protocol.epochs } = given
  const length = protocol.epochs + validationEpochs
  /** Returns which search an epoch of the job belongs to, and its number in that search and the training after it. */
  const placeOf = (index: number) => ({ run: Math.floor(index / length), at: index % length })
  const supernet = (run: number) => (given.by === 'dropPath' ? { dropPath: DROPS[run] } : {})
  const begin = (run: number) => {
    const weightDecay = given.by === 'l2' ? DECAYS[run] : protocol.weights.weightDecay
    const regularised = { ...context, protocol: { ...protocol, weights: { ...protocol.weights, weightDecay } } }
    return bilevelSearch(regularised, { ...methodOf(context, given), supernet: supernet(run) })
  }
  let state: { readonly run: number; readonly found: readonly { genotype: Genotype; accuracyPct: number }[] } = {
    run: 0,
    found: [],
  }
  let search = await begin(0)
  /** The network in which the architecture found last is trained from scratch. */
  let network: Supernet | undefined
  const best = () => state.found.reduce((a, b) => (b.accuracyPct > a.accuracyPct ? b : a), state.found[0])
  const start = async (run: number) => {
    search.dispose()
    search = await begin(run)
  }
  const judge = async (judged: Supernet) => {
    const genotype = search.genotype()
    const accuracyPct = await accuracyOnValidation(context, judged, onlyPath(space, genotype))
    network?.dispose()
    network = undefined
    state = { ...state, found: [...state.found, { genotype, accuracyPct }] }
    return { validAccuracyPct: accuracyPct }
  }
  const validation = { ...context, protocol: { ...protocol, epochs: validationEpochs } }
  return {
    epochs: DECAYS.length * length,
    scheduleEpoch(index) {
      const { run, at } = placeOf(index)
      // In epoch 0 a growing cutout has probability 0.
      const withoutCutout = given.by === 'dropPath' && DROPS[run] === 0 && at < protocol.epochs
      return withoutCutout ? 0 : Math.min(at, protocol.epochs - 1)
    },
    async epoch(index) {
      const { run, at } = placeOf(index)
      if (run !== state.run) {
        await start(run)
        state = { ...state, run }
      }
      const extra = { search: run + 1 }
      if (at < protocol.epochs) {
        const report = { ...(await search.epoch(at)), extra }
        if (validationEpochs > 0 || at < protocol.epochs - 1) return report
        const { validAccuracyPct } = await judge(search.relaxed.supernet)
        return { ...report, extra: { ...extra, foundAccuracyPct: validAccuracyPct } }
      }
      network ??= await context.supernet()
      const genotype = search.genotype()
      const report = { ...(await trainOnPaths(validation, network, at - protocol.epochs, () => genotype)), extra }
      return at < length - 1 ? report : { ...report, ...(await judge(network)) }
    },
    genotype: () => best()?.genotype ?? search.genotype(),
    save: async () => ({ ...state, search: await search.save(), network: await network?.executable.save() }),
    async restore(saved) {
      const {
        search: inner,
        network: weights,
        ...rest
      } = saved as typeof state & {
        search: Awaited<ReturnType<Search['save']>>
        network?: ExecutableState
      }
      if (rest.run !== state.run) await start(rest.run)
      state = rest
      await search.restore(inner)
      if (weights === undefined) return
      network ??= await context.supernet()
      network.executable.restore(weights)
    },
    get relaxed() {
      return search.relaxed
    },
    dispose() {
      search.dispose()
      network?.dispose()
    },
  }
}

/** The algorithm `r-darts`: DARTS under stronger regularisation, found by four searches or by the eigenvalue. */
export const rDarts = defineAlgorithm({
  name: 'r-darts',
  version: 2,
  description: 'DARTS under several strengths of regularisation, the best kept, or under a growing one',
  source: 'Zela et al., "Understanding and Robustifying Differentiable Architecture Search", ICLR 2020',
  look: { colour: 'sky', dash: 'wideDotted', marker: 'star' },
  kind: 'supernet',
  options,
  exceptions: { 'it keeps within its epochs': 'it runs several searches one after another' },
  idleUnder({ by, validationEpochs }) {
    if (by === 'adaptive' || validationEpochs !== 0) return {}
    return by === 'l2'
      ? { 'weights.weightDecay': 'by=l2 has four values in its place, and validationEpochs=0 trains nothing else' }
      : { 'network.dropPath': 'by=dropPath has four values in its place, and validationEpochs=0 trains nothing else' }
  },
  check(planned, { by }) {
    if (by === 'dropPath') planned.network({ dropPath: DROPS[1] })
    if (by === 'adaptive') checkAdaptive(planned)
  },
  search: (context, given) =>
    given.by === 'adaptive' ? adaptiveSearch(context, methodOf(context, given)) : repeatedSearch(context, given),
})

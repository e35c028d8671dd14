/**
 * BOHB (Falkner, Klein, Hutter: "BOHB: Robust and Efficient Hyperparameter Optimization at Scale", ICML 2018). Its
 * model has two kernel density estimates over the architectures evaluated so far: l of the good ones and g of the bad
 * ones. Candidate architectures are sampled around good ones, and the candidate of largest l/g is evaluated next.
 *
 *     N_l = max(N_min, q·N),  N_g = max(N_min, N − q·N),  q = 15 %,  N_min = decisions + 1                      (eq. 3)
 *     a kernel on a decision with c values: 1 − h where equal, h / (c − 1) elsewhere                (Aitchison, Aitken)
 *     h = 1.06 σ N^(−1/(4 + decisions)), at least 0.3, at most 1 − 1/c (uniform)
 *
 * With the option `eta`, Hyperband's brackets allocate training epochs (§3.2): every evaluation pays for its own
 * training from scratch, and the model uses the longest training length with enough observations. Without `eta`, every
 * evaluation is the oracle's usual training (12 epochs), as in NATS-Bench's variant, whose API ignores the budget it is
 * given.
 *
 * The default settings are those of NATS-Bench (run-all.sh): 4 candidates per proposal, and no random proposals once
 * there is a model. BOHB's paper (appendix and code) has 64 candidates, a third of the proposals at random, and a least
 * bandwidth of 0.001. Algorithm files have at most 120 lines; this one is longer because of the densities, the schedule
 * of trainings and the model.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { argmax } from '../core/mixing.ts'
import { positivePower } from '../core/numbers.ts'
import type { RandomStream } from '../core/random.ts'
import { type Encoding, type Genotype, sample } from '../core/space.ts'
import { blackBoxSearch, checkEvaluations, evaluations, oneByOne } from './shared/blackBox.ts'
import { halvings, rungsOf } from './shared/hyperband.ts'
import { count, dependentOptions, fraction, number, optionalCount, optionalNumber } from './shared/options.ts'

const GOOD_SHARE = 0.15

/** An architecture as a list of categorical decisions: the index of the value chosen in each. */
type Decisions = readonly number[]

/** An architecture that BOHB has evaluated, with its validation accuracy. */
interface Observation {
  readonly decisions: Decisions
  readonly accuracyPct: number
}

/** A kernel density estimate over architectures: one centre per evaluated architecture, and one kernel per decision. */
interface Density {
  readonly centres: readonly Decisions[]
  /**
   * Bandwidth h of each decision's kernel. `equal` is the kernel's value where a decision equals the centre's,
   * `different` its value elsewhere.
   */
  readonly bandwidths: Float64Array
  readonly equal: Float64Array
  readonly different: Float64Array
}

/** BOHB's model: the kernel density estimates l of the good and g of the bad architectures. */
interface Model {
  readonly good: Density
  readonly bad: Density
}

/**
 * Fits BOHB's two densities (eq. 3); undefined if there are too few evaluated architectures.
 * @param observations the evaluated architectures, most accurate first
 */
function modelOf(
  observations: readonly Observation[],
  cardinalities: Decisions,
  leastBandwidth: number,
): Model | undefined {
  const least = cardinalities.length + 1
  if (observations.length < least + 2) return undefined
  const centres = observations.map(({ decisions }) => decisions)
  const share = Math.floor(GOOD_SHARE * centres.length)
  const density = (some: readonly Decisions[]) => densityOf(some, cardinalities, leastBandwidth)
  return {
    good: density(centres.slice(0, Math.max(least, share))),
    bad: density(centres.slice(-Math.max(least, centres.length - share))),
  }
}

function densityOf(centres: readonly Decisions[], cardinalities: Decisions, leastBandwidth: number): Density {
  const factor = 1.06 * positivePower(centres.length, -1 / (4 + cardinalities.length))
  const bandwidths = Float64Array.from(cardinalities, (c, at) =>
    Math.min(1 - 1 / c, Math.max(leastBandwidth, factor * deviation(centres, at))),
  )
  const equal = bandwidths.map((h) => 1 - h)
  const different = bandwidths.map((h, at) => h / Math.max(1, cardinalities[at] - 1))
  return { centres, bandwidths, equal, different }
}

/** The standard deviation of the values of decision number `at` over the centres of a density. */
function deviation(centres: readonly Decisions[], at: number): number {
  let sum = 0
  let squares = 0
  for (const centre of centres) {
    sum += centre[at]
    squares += centre[at] * centre[at]
  }
  const mean = sum / centres.length
  return Math.sqrt(Math.max(0, squares / centres.length - mean * mean))
}

/** Evaluates a density at an architecture: the mean over the centres of the product of the decisions' kernels. */
function likelihood({ centres, equal, different }: Density, decisions: Decisions): number {
  let total = 0
  for (const centre of centres) {
    let product = 1
    for (let at = 0; at < decisions.length; at++) {
      product *= centre[at] === decisions[at] ? equal[at] : different[at]
    }
    total += product
  }
  return total / centres.length
}

/**
 * Samples a candidate architecture around a random good one: keeps each decision with probability 1 − h (h =
 * bandwidth), else samples it uniformly.
 */
function candidate({ good }: Model, cardinalities: Decisions, stream: RandomStream): Decisions {
  const centre = stream.choice(good.centres)
  return centre.map((value, at) =>
    stream.uniform() < 1 - good.bandwidths[at] ? value : stream.integer(cardinalities[at]),
  )
}

/** Samples candidate architectures and returns the one with the largest ratio of good to bad density, l/g. */
function propose(
  model: Model,
  { cardinalities, decode }: Encoding<Genotype>,
  candidates: number,
  stream: RandomStream,
): Genotype {
  const drawn = Array.from({ length: candidates }, () => candidate(model, cardinalities, stream))
  const ratios = drawn.map((decisions) => likelihood(model.good, decisions) / likelihood(model.bad, decisions))
  return decode(drawn[argmax(ratios)])
}

const options = z.strictObject({
  candidates: count(4, 'draws of which the best by l/g is evaluated (NATS-Bench, run-all.sh)'),
  randomFraction: fraction(0, 'share of evaluations drawn uniformly (NATS-Bench, run-all.sh)'),
  minBandwidth: number(0.3, 'least bandwidth of a kernel (NATS-Bench, run-all.sh)', 0),
  eta: optionalNumber(
    'η of Hyperband, over the trainings that the table knows (the paper: 3); default: the usual training only',
    1.01,
  ),
  minEpochs: optionalCount('shortest training, with eta; default: the shortest there is'),
  maxEpochs: optionalCount('longest training, with eta; default: the longest there is'),
  evaluations,
})

/**
 * The algorithm `bohb`: proposes architectures by two kernel density estimates, with Hyperband's brackets if `eta` is
 * set.
 */
export const bohb = defineAlgorithm({
  name: 'bohb',
  version: 2,
  description: 'BOHB: kernel densities of good and bad architectures propose the next; Hyperband with eta=3',
  source: 'Falkner et al., "BOHB: Robust and Efficient Hyperparameter Optimization at Scale", ICML 2018',
  look: { colour: 'purple', dash: 'dashed', marker: 'circle' },
  kind: 'black-box',
  options: dependentOptions(options, ['minEpochs', 'maxEpochs'], ({ eta }) => eta !== undefined, 'eta=3'),
  check(planned, { evaluations, ...hyperband }) {
    const least = enoughOf(planned.space.encoding) + 1
    checkEvaluations('bohb', planned, evaluations, { least, why: 'there is no model, and all are random' })
    if (hyperband.eta !== undefined) rungs(planned.fidelities(), hyperband)
  },
  async search(context, { candidates, randomFraction, minBandwidth, evaluations, ...hyperband }) {
    const { space, oracle } = context
    const { encoding } = space
    const stream = context.random('bohb')
    const explore =
      hyperband.eta === undefined ? oneByOne : halvings(rungs(oracle.fidelities ?? [], hyperband), hyperband.eta)
    return blackBoxSearch(context, evaluations, async (ask) => {
      /**
       * The evaluated architectures by the number of epochs they were trained for; each list is most accurate first.
       */
      const observed = new Map<number, Observation[]>()
      const proposal = () => {
        const model =
          stream.uniform() < randomFraction
            ? undefined
            : modelOf(informed(observed, encoding), encoding.cardinalities, minBandwidth)
        return model === undefined ? sample(space, stream) : propose(model, encoding, candidates, stream)
      }
      await explore(proposal, async (genotype, epochs) => {
        const accuracyPct = await ask(genotype, epochs)
        if (accuracyPct !== undefined) observe(observed, epochs, { decisions: encoding.encode(genotype), accuracyPct })
        return accuracyPct
      })
    })
  },
})

/**
 * Returns the training epochs of Hyperband's rungs, ascending.
 * @throws BenchError `unsupported` if the benchmark table has accuracies for only one training length
 */
function rungs(fidelities: readonly number[], options: HyperbandOptions): readonly number[] {
  const { eta = 1, minEpochs = 1, maxEpochs = Number.POSITIVE_INFINITY } = options
  const found = rungsOf(fidelities, eta, minEpochs, maxEpochs)
  if (found.length > 1) return found
  const known =
    fidelities.length === 0 ? 'one length' : `${fidelities.join(', ')} ${fidelities.at(-1) === 1 ? 'epoch' : 'epochs'}`
  throw new BenchError(
    'unsupported',
    `bohb with eta=${eta} needs trainings of several lengths, and has those of ${known}; leave out eta, or import curves`,
  )
}

/** Options of BOHB's Hyperband brackets, as typed by the user. */
interface HyperbandOptions {
  readonly eta?: number
  readonly minEpochs?: number
  readonly maxEpochs?: number
}

/** Smallest number of evaluated architectures that BOHB's model can be fitted to. */
const enoughOf = ({ cardinalities }: Pick<Encoding<Genotype>, 'cardinalities'>): number => cardinalities.length + 3

/** The architectures evaluated at the longest training length that has enough of them to fit the model (§3.2). */
function informed(observed: ReadonlyMap<number, Observation[]>, encoding: Encoding<Genotype>): Observation[] {
  const enough = [...observed].filter(([, all]) => all.length >= enoughOf(encoding)).map(([epochs]) => epochs)
  return observed.get(Math.max(...enough)) ?? []
}

/**
 * Adds an evaluated architecture to the list of its training length.
 * @param epochs training epochs; 0 stands for the oracle's usual training
 */
function observe(observed: Map<number, Observation[]>, epochs = 0, observation: Observation): void {
  const observations = observed.get(epochs) ?? []
  insert(observations, observation)
  observed.set(epochs, observations)
}

/** Inserts an evaluated architecture into a list that is ordered by descending accuracy. */
function insert(observations: Observation[], observation: Observation): void {
  const at = observations.findIndex(({ accuracyPct }) => accuracyPct < observation.accuracyPct)
  observations.splice(at === -1 ? observations.length : at, 0, observation)
}

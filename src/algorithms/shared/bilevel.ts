/**
 * The bilevel search loop of DARTS and of the algorithms that follow it (Liu et al. 2019, eq. 3-4; DrNAS, eq. 1).
 *
 *     min over α of L_val(w*(α), α)   where   w*(α) = argmin over w of L_train(w, α)
 *
 * Both losses are cross-entropies and both are minimised, in alternating steps: an Adam step on the architecture
 * parameters with a batch of the architecture half, and an SGD step on w with a batch of the weight half. An epoch goes
 * through the weight half once. A `BilevelMethod` says how architecture parameters become mixing weights and how the
 * gradient of L_val is taken.
 *
 * Random numbers come from a stream named after the step, so the state of a search is only its architecture parameters,
 * the moments of their optimiser, what a method remembers beside them, and the supernet.
 */
import type { EpochReport, RelaxedSearch, Search, SearchContext } from '../../core/algorithm.ts'
import type { Batch, BatchSource } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { ExecutableState, SgdStep, Tally } from '../../core/executor.ts'
import { type Matrix, type Mixing, normalMatrix, type Relaxation, zip } from '../../core/mixing.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { RandomStream } from '../../core/random.ts'
import { derived, type SupernetOptions } from '../../core/space.ts'
import type { Supernet } from '../../core/supernet.ts'
import { cosine, warmUp as ramp } from '../../training/schedule.ts'
import { type AdamSettings, type AdamState, adam, adamStart } from './adam.ts'
import { type MeanTally, meanTally, trainReport } from './epochReport.ts'

/** What distinguishes one bilevel algorithm from another. A member that is absent is as in first-order DARTS. */
export interface BilevelMethod {
  /** The architecture parameters before the first step of this method. */
  readonly start: Matrix
  /**
   * Returns the relaxation, which turns architecture parameters into mixing weights, of an epoch (it may have a
   * temperature that falls over the epochs).
   */
  relaxation(epoch: number): Relaxation
  /**
   * Returns the mixing weights for a weight step, and may run passes of the supernet on the step's batch to find them;
   * absent: those of the relaxation, as in an architecture step.
   */
  readonly weightMixing?: (
    stream: RandomStream,
    parameters: Matrix,
    epoch: number,
    at: Pick<WeightStep, 'supernet' | 'batch'>,
  ) => Mixing | Promise<Mixing>
  /** Takes a step on the network weights; absent: an SGD step along the gradient of the training loss. */
  readonly weightStep?: (step: WeightStep) => Promise<Tally>
  /**
   * Computes the gradient of the validation loss wrt the architecture parameters; absent: first order, at the current
   * w.
   */
  readonly gradient?: ArchitectureGradient
  /**
   * Penalty on the architecture parameters, added to the validation loss; its value is recorded apart from that loss.
   */
  readonly penalty?: Penalty
  /** Update of the architecture parameters along a gradient; absent: Adam. */
  readonly update?: ParameterUpdate
  /** Weight decay of Adam on the architecture parameters; absent: the value in the protocol. */
  readonly weightDecay?: number
  /** First epoch (0-based) in which the architecture parameters are updated; absent: 0. */
  readonly architectureFrom?: number
  /**
   * Number n of iterations after which an architecture step is taken: in the iterations n, 2n, … of all, counted from
   * 1. An iteration has `weightSteps` weight steps. Absent: 1, an architecture step in each.
   */
  readonly architectureEvery?: number
  /** Number of weight steps per architecture step; absent: 1. With n, an epoch goes through the weight half n times. */
  readonly weightSteps?: number
  /**
   * Whether the method is single-level: architecture step and weight step use the same batch of the weight images and
   * the same random sample of operations, and the architecture half is not used. Absent: false.
   */
  readonly singleLevel?: boolean
  /**
   * The images of both steps: `halves`: those of the weight half and of the architecture half; `whole`: all training
   * images, in an order of its own for each step. Absent: `halves`.
   */
  readonly images?: 'halves' | 'whole'
  /**
   * Epoch at which the learning rate of the network weights restarts (see `sgdOf`); absent: one cosine over all epochs.
   */
  readonly rateFrom?: number
  /** Returns the SGD settings of an epoch's weight steps; absent: those of the protocol, by `sgdOf`. */
  readonly sgd?: (epoch: number) => SgdStep
  /** Whether the architecture step or the weight step of a pair comes first; absent: as the protocol says. */
  readonly stepOrder?: Protocol['stepOrder']
  /**
   * Mixing weight that the strongest operation of an edge must reach to be part of the derived architecture (see
   * `SearchSpace.derive`); absent: no operation is left out.
   */
  readonly threshold?: number
  /** Options of the method's supernet that replace those of the protocol. */
  readonly supernet?: Partial<SupernetOptions>
  /** What the method remembers from step to step beside its architecture parameters; absent: nothing. */
  readonly memory?: Memory
  /** Returns further numbers for the report of an epoch; absent: none. */
  readonly extra?: (parameters: Matrix, epoch: number) => Readonly<Record<string, number>>
}

/** An update rule of the architecture parameters, as a pair of pure functions. */
export interface ParameterUpdate<State = unknown> {
  /** Returns the rule's state before its first step, as data that a checkpoint can hold. */
  start(parameters: Matrix): State
  /** Takes one step along a gradient of the loss. → the new parameters and the new state */
  step(
    parameters: Matrix,
    gradient: Matrix,
    state: State,
    at: UpdateStep,
  ): { readonly parameters: Matrix; readonly state: State }
}

/** The settings of one update of the architecture parameters. */
export interface UpdateStep {
  /** The protocol's settings of Adam, among them the learning rate. */
  readonly settings: AdamSettings
  readonly epoch: number
  /** Number of the architecture step, counted over all epochs. */
  readonly step: number
  /** Returns the random stream from which this step's relaxation was sampled, rewound to its beginning. */
  stream(): RandomStream
}

/** The inputs of one step on the network weights. */
export interface WeightStep {
  readonly supernet: Supernet
  /** The batch of the weight images on which this step's training loss is computed. */
  readonly batch: Batch
  /** The mixing weights of this step. */
  readonly mixing: Mixing
  readonly sgd: SgdStep
  readonly epoch: number
}

/** State that a method keeps from step to step, apart from the architecture parameters. */
export interface Memory {
  /** Returns the state as data that a checkpoint can hold. */
  save(): unknown
  restore(saved: unknown): void
}

/** A penalty on the architecture parameters, added to the validation loss. It may depend on the epoch (0-based). */
export interface Penalty {
  value(parameters: Matrix, epoch: number): number
  /** The gradient of the penalty wrt the architecture parameters, [edge][op]. */
  gradient(parameters: Matrix, epoch: number): Matrix
}

/** The inputs from which the gradient of one architecture step is computed. */
export interface ArchitectureStep {
  readonly supernet: Supernet
  readonly relaxation: Relaxation
  readonly parameters: Matrix
  /** The batch of the architecture half on which this step's validation loss is computed. */
  readonly validBatch: Batch
  /** Loads the batch of the weight step that belongs to this architecture step. */
  trainBatch(): Promise<Batch>
  /** The SGD settings of the weight step that belongs to this architecture step. */
  readonly sgd: SgdStep
  /** The random stream from which this step's relaxation samples; a deterministic relaxation does not use it. */
  readonly stream: RandomStream
}

/** Computes loss and accuracy on a validation batch, and the gradient of that loss wrt the architecture parameters. */
export type ArchitectureGradient = (step: ArchitectureStep) => Promise<Tally & { readonly parameters: Matrix }>

/** The first-order architecture gradient: ∂L_val(w, α)/∂α at the current w. */
export const firstOrder: ArchitectureGradient = async ({ supernet, relaxation, parameters, validBatch, stream }) => {
  const { mixing, pullback } = relaxation.relax(parameters, stream)
  const result = await supernet.gradient(validBatch, mixing)
  return { ...result, parameters: pullback(result.mixing) }
}

/** The usual initial architecture parameters: 1e-3·N(0, 1) for each edge and operation. → [edge][op] */
export function initialParameters({ space, random }: SearchContext): Matrix {
  const widths = space.edges.map((edge) => edge.operations.length)
  return normalMatrix(widths, 1e-3, random('architecture', 'start'))
}

/**
 * Returns the SGD settings for the network weights in an epoch: those of the protocol, with a learning rate that falls
 * on a cosine over the epochs, after a warm-up if the protocol has one.
 * @param from epoch at which the learning rate restarts at its initial value. From there the rest of the cosine is
 * rescaled to end at the minimum rate, as when a new optimiser is given the state of the old one's `CosineAnnealingLR`
 * (PyTorch's recursive form)
 */
export function sgdOf({ weights, epochs }: Protocol, epoch: number, from = 0): SgdStep {
  const { learningRateMin, halfPeriod = epochs, warmUp, ...sgd } = weights
  const cosineAt = (at: number) => cosine(at, halfPeriod, weights.learningRate, learningRateMin)
  const scheduled =
    from === 0
      ? cosineAt(epoch)
      : stretched(cosineAt(epoch), { min: learningRateMin, begin: cosineAt(from), initial: weights.learningRate })
  if (warmUp === undefined || epoch >= warmUp.epochs) return { ...sgd, learningRate: scheduled }
  const warm = warmUp.of === 'initial' ? weights.learningRate : scheduled
  return { ...sgd, learningRate: ramp(epoch, warmUp.epochs) * warm }
}

/**
 * Rescales a learning rate linearly, so that a schedule from `begin` down to `min` becomes one from `initial` down to
 * `min`.
 */
function stretched(
  rate: number,
  { min, begin, initial }: Readonly<Record<'min' | 'begin' | 'initial', number>>,
): number {
  return begin === min ? initial : min + ((rate - min) * (initial - min)) / (begin - min)
}

/**
 * Returns the protocol settings that a search on all training images (`images: 'whole'`) ignores, each with the reason,
 * for `Algorithm.idleUnder`. With `data.architecturePortion`, the halves together are not all images.
 */
export const idleHalves = ({ data: { architecturePortion = 0 } }: Protocol): Readonly<Record<string, string>> =>
  architecturePortion === 0 ? { 'data.trainPortion': 'both steps take all training images' } : {}

/**
 * Checks that a search has a second epoch, in which a strength that grows linearly from 0 is more than 0.
 * @param strength letter of the growing strength, for the error message
 * @throws BenchError `bad-input` if the search has one epoch
 */
export function requireGrowth(name: string, strength: string, { epochs }: Pick<Protocol, 'epochs'>): void {
  if (epochs > 1) return
  const found = `${strength} is 0 in the first epoch and grows from there, and the protocol has 1 epoch`
  throw new BenchError('bad-input', `${name}: ${found}; give at least 2`)
}

/**
 * Checks that a search has epochs after its warm-up, in which the architecture parameters stay still.
 * @param warmup number of epochs of the warm-up
 * @throws BenchError `bad-input` if the warm-up takes all epochs
 */
export function checkWarmup(name: string, warmup: number, epochs: number): void {
  if (warmup < epochs) return
  const found = `warmup=${warmup} leaves none of the ${pluralize(epochs, 'epoch')} for the architecture`
  throw new BenchError('bad-input', `${name}: ${found}; give a warm-up below that, or more epochs`)
}

/** The state of a bilevel search without its supernet: architecture parameters and the moments of their optimiser. */
export interface BilevelState {
  readonly parameters: Matrix
  /** Adam's moments; they stay zero if the method has an update of its own. */
  readonly adam: AdamState
  /** State of the method's own update; absent with Adam. */
  readonly own?: unknown
}

/** The state of a bilevel search before its first step: initial architecture parameters and moments of zero. */
export const bilevelStart = ({ start, update }: BilevelMethod): BilevelState => ({
  parameters: start,
  adam: adamStart(start),
  ...(update && { own: update.start(start) }),
})

/** Runs one epoch of a bilevel method on a supernet. → the search state after the epoch, and the epoch's report */
export type EpochRunner = typeof bilevelEpoch

/** Runs one epoch of a bilevel method: alternating weight and architecture steps. → the new state, and the report */
export async function bilevelEpoch(
  context: SearchContext,
  method: BilevelMethod,
  supernet: Supernet,
  state: BilevelState,
  epoch: number,
): Promise<{ readonly state: BilevelState; readonly report: EpochReport }> {
  const { protocol } = context
  const data = await context.data()
  const { weights, architecture } = method.images === 'whole' ? data.whole() : data
  const steps = weights.batchesPerEpoch
  const order = method.stepOrder ?? protocol.stepOrder
  const moves = epoch >= (method.architectureFrom ?? 0)
  const every = method.architectureEvery ?? 1
  const sgd = method.sgd?.(epoch) ?? sgdOf(protocol, epoch, method.rateFrom)
  const run: EpochRun = { context, method, supernet, weights, architecture, epoch, sgd }
  const [train, valid] = [meanTally(), meanTally()]
  let now = state
  for (let step = epoch * steps; step < (epoch + 1) * steps; step++) {
    if (order === 'weights-first') await weightSteps(run, step, now, train)
    if (moves && (step + 1) % every === 0) now = await architectureStep(run, step, now, valid)
    if (order === 'architecture-first') await weightSteps(run, step, now, train)
  }
  const { parameters } = now
  const curves = trainReport(method.weightStep ? train.tally() : await supernet.takeTally())
  const extra = {
    ...(method.penalty && { penalty: method.penalty.value(parameters, epoch) }),
    ...method.extra?.(parameters, epoch),
  }
  const report = { ...curves, ...valid.report(), parameters }
  return { state: now, report: Object.keys(extra).length === 0 ? report : { ...report, extra } }
}

/** The inputs that all steps of one epoch of a bilevel search share. */
interface EpochRun {
  readonly context: SearchContext
  readonly method: BilevelMethod
  readonly supernet: Supernet
  readonly weights: BatchSource
  readonly architecture: BatchSource
  readonly epoch: number
  readonly sgd: SgdStep
}

/**
 * Takes one step on the architecture parameters.
 * @param valid collects the supernet's loss and accuracy on the batches of the architecture half
 */
async function architectureStep(
  run: EpochRun,
  step: number,
  state: BilevelState,
  valid: MeanTally,
): Promise<BilevelState> {
  const { context, method, supernet, weights, epoch, sgd } = run
  const gradient = method.gradient ?? firstOrder
  const half = method.singleLevel ? 'weights' : 'architecture'
  const result = await gradient({
    supernet,
    relaxation: method.relaxation(epoch),
    parameters: state.parameters,
    validBatch: await run[half].batch(step),
    trainBatch: () => weights.batch(step * (method.weightSteps ?? 1)),
    sgd,
    stream: context.random(half, 'step', step),
  })
  if (!method.singleLevel && method.images !== 'whole') valid.add(result)
  const penalty = method.penalty?.gradient(state.parameters, epoch)
  const total = penalty === undefined ? result.parameters : zip(result.parameters, penalty, (g, p) => g + p)
  const { architecture } = context.protocol
  const settings = { ...architecture, weightDecay: method.weightDecay ?? architecture.weightDecay }
  if (method.update === undefined) {
    const moved = adam(state.parameters, total, state.adam, settings)
    return { parameters: moved.parameters, adam: moved.state }
  }
  const stream = () => context.random(half, 'step', step)
  const moved = method.update.step(state.parameters, total, state.own, { settings, epoch, step, stream })
  return { parameters: moved.parameters, adam: state.adam, own: moved.state }
}

/**
 * Takes the steps on the network weights that belong to architecture step number `step`.
 * @param train collects loss and accuracy of the steps of a method that takes them itself
 */
async function weightSteps(run: EpochRun, step: number, { parameters }: BilevelState, train: MeanTally): Promise<void> {
  const { context, method, supernet, weights, epoch, sgd } = run
  const n = method.weightSteps ?? 1
  for (let index = step * n; index < (step + 1) * n; index++) {
    const stream = context.random('weights', 'step', index)
    const batch = await weights.batch(index)
    const mixing =
      (await method.weightMixing?.(stream, parameters, epoch, { supernet, batch })) ??
      method.relaxation(epoch).relax(parameters, stream).mixing
    if (method.weightStep === undefined) await supernet.step(batch, mixing, sgd)
    else train.add(await method.weightStep({ supernet, batch, mixing, sgd, epoch }))
  }
}

/**
 * Makes the search of a bilevel method, which trains one supernet.
 * @param runEpoch runs an epoch; algorithms whose epochs do more than `bilevelEpoch` pass their own
 */
export async function bilevelSearch(
  context: SearchContext,
  method: BilevelMethod,
  runEpoch: EpochRunner = bilevelEpoch,
): Promise<Search & { readonly relaxed: RelaxedBilevel }> {
  const { space, protocol } = context
  const supernet = await context.supernet(method.supernet)
  let state = bilevelStart(method)
  const relaxation = method.relaxation(protocol.epochs - 1)
  return {
    epochs: protocol.epochs,
    async epoch(index) {
      const after = await runEpoch(context, method, supernet, state, index)
      state = after.state
      return after.report
    },
    genotype() {
      return derived(space, relaxation.relax(state.parameters).mixing, method.threshold)
    },
    async save() {
      const memory = method.memory && { memory: method.memory.save() }
      return { ...state, ...memory, network: await supernet.executable.save() }
    },
    restore(saved) {
      const { network, memory, ...rest } = saved as unknown as SavedSearch
      supernet.executable.restore(network)
      method.memory?.restore(memory)
      state = rest
    },
    relaxed: { relaxation, supernet, method, parameters: () => state.parameters },
    dispose: () => supernet.dispose(),
  }
}

/** The supernet and the architecture parameters of a bilevel search, with the method that trains them. */
export interface RelaxedBilevel extends RelaxedSearch {
  readonly method: BilevelMethod
}

/** The state of a bilevel search as saved in a checkpoint. */
interface SavedSearch extends BilevelState {
  readonly network: ExecutableState
  readonly memory?: unknown
}

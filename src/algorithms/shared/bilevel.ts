/**
 * Bilevel search: the loop that DARTS and its relatives share (Liu et al. 2019, eq. 3-4; DrNAS, eq. 1).
 *
 *     min over α of L_val(w*(α), α)   where   w*(α) = argmin over w of L_train(w, α)
 *
 * Both losses are cross-entropies and both are minimised, by turns: an Adam step on the architecture parameters at a batch
 * of the architecture half, an SGD step on w at a batch of the weight half. An epoch walks the weight half once. A
 * method says how its parameters become mixing weights, and how L_val's gradient wrt them is taken.
 *
 * Nothing random is kept between steps: each draw has a stream named by its step, so that the parameters, Adam's
 * moments and the network are the whole state.
 */
import type { EpochReport, RelaxedSearch, Search, SearchContext } from '../../core/algorithm.ts'
import type { Batch, SearchData } from '../../core/data.ts'
import type { ExecutableState, SgdStep, Tally } from '../../core/executor.ts'
import { type Matrix, type Mixing, normalMatrix, type Relaxation, zip } from '../../core/mixing.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { RandomStream } from '../../core/random.ts'
import type { SupernetOptions } from '../../core/space.ts'
import type { Supernet } from '../../core/supernet.ts'
import { cosine, warmUp as ramp } from '../../training/schedule.ts'
import { type AdamState, adam, adamStart } from './adam.ts'

/** What tells one bilevel method from another. Absent members are those of first-order DARTS. */
export interface BilevelMethod {
  /** Architecture parameters before the first step. */
  readonly start: Matrix
  /** How parameters become mixing weights during an epoch (temperatures fall by the epoch). */
  relaxation(epoch: number): Relaxation
  /** The mixing of a weight step, where it is not that of an architecture step. */
  readonly weightMixing?: (stream: RandomStream, parameters: Matrix, epoch: number) => Mixing
  /** Gradient of the validation loss wrt the parameters. Absent: first order, at the current w. */
  readonly gradient?: ArchitectureGradient
  /** A penalty on the parameters, added to the validation loss; its value is reported apart from the loss. */
  readonly penalty?: Penalty
  /** Adam's L2 decay on the parameters, where it is not the protocol's. */
  readonly weightDecay?: number
  /** First epoch (0-based) in which the parameters move; 0 where absent. */
  readonly architectureFrom?: number
  /** Weight steps for each architecture step; 1 where absent. An epoch takes that many times as many weight steps. */
  readonly weightSteps?: number
  /** Both steps take the same batch of the weight half, under the same draw; the architecture half is not read. */
  readonly oneLevel?: boolean
  /** Epoch at which the weights' learning rate begins anew (`sgdOf`); absent: one cosine over all epochs. */
  readonly rateFrom?: number
  /** Where it is not the protocol's. */
  readonly stepOrder?: Protocol['stepOrder']
  /** Where the search network differs from the protocol's. */
  readonly supernet?: Partial<SupernetOptions>
}

/** Its weight may change from epoch to epoch (0-based). */
export interface Penalty {
  value(parameters: Matrix, epoch: number): number
  /** ∂value/∂parameters. */
  gradient(parameters: Matrix, epoch: number): Matrix
}

/** What a gradient rule may use at one architecture step. */
export interface ArchitectureStep {
  readonly supernet: Supernet
  readonly relaxation: Relaxation
  readonly parameters: Matrix
  /** Of the architecture half. */
  readonly validBatch: Batch
  /** That of the weight step which belongs to this step. */
  trainBatch(): Promise<Batch>
  /** The settings of that weight step. */
  readonly sgd: SgdStep
  /** Of this step; a deterministic relaxation ignores it. */
  readonly stream: RandomStream
}

/** Loss and counts on the validation batch, and ∂L_val/∂parameters. */
export type ArchitectureGradient = (step: ArchitectureStep) => Promise<Tally & { readonly parameters: Matrix }>

/** ∂L_val(w, α)/∂α at the current w. */
export const firstOrder: ArchitectureGradient = async ({ supernet, relaxation, parameters, validBatch, stream }) => {
  const { mixing, pullback } = relaxation.relax(parameters, stream)
  const result = await supernet.gradient(validBatch, mixing)
  return { ...result, parameters: pullback(result.mixing) }
}

/** 1e-3·N(0, 1) for each edge and operation: how the field starts α. → [edge][op] */
export function initialParameters({ space, random }: SearchContext): Matrix {
  const widths = space.edges.map((edge) => edge.operations.length)
  return normalMatrix(widths, 1e-3, random('architecture', 'start'))
}

/**
 * The weight step of an epoch: the protocol's SGD, its rate on a cosine over the epochs, after a warm-up if there is one.
 * @param from epoch at which the rate is the initial one again. The rest of the cosine is stretched from there to its
 * minimum, as where a new optimiser is given the state of the old one's `CosineAnnealingLR` (PyTorch's recursive form)
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

/** A rate that fell from `begin` towards `min`, as if it had begun at `initial`. */
function stretched(
  rate: number,
  { min, begin, initial }: Readonly<Record<'min' | 'begin' | 'initial', number>>,
): number {
  return begin === min ? initial : min + ((rate - min) * (initial - min)) / (begin - min)
}

/** All that a bilevel search is at a moment. */
export interface BilevelState {
  readonly parameters: Matrix
  readonly adam: AdamState
}

export const bilevelStart = ({ start }: BilevelMethod): BilevelState => ({ parameters: start, adam: adamStart(start) })

/** Runs one epoch of a method on a network. → the state after it, and what it saw */
export type EpochRunner = typeof bilevelEpoch

/** Steps of both kinds, by turns. */
export async function bilevelEpoch(
  context: SearchContext,
  method: BilevelMethod,
  supernet: Supernet,
  state: BilevelState,
  epoch: number,
): Promise<{ readonly state: BilevelState; readonly report: EpochReport }> {
  const { protocol } = context
  const data = await context.data()
  const steps = data.weights.batchesPerEpoch
  const order = method.stepOrder ?? protocol.stepOrder
  const moves = epoch >= (method.architectureFrom ?? 0)
  const run: EpochRun = { context, method, supernet, data, epoch, sgd: sgdOf(protocol, epoch, method.rateFrom) }
  const valid = meanTally()
  let now = state
  for (let step = epoch * steps; step < (epoch + 1) * steps; step++) {
    if (order === 'weights-first') await weightSteps(run, step, now)
    if (moves) now = await architectureStep(run, step, now, valid)
    if (order === 'architecture-first') await weightSteps(run, step, now)
  }
  const { parameters } = now
  const report = { ...trainReport(await supernet.takeTally()), ...valid.report(), parameters }
  if (method.penalty === undefined) return { state: now, report }
  return { state: now, report: { ...report, extra: { penalty: method.penalty.value(parameters, epoch) } } }
}

interface EpochRun {
  readonly context: SearchContext
  readonly method: BilevelMethod
  readonly supernet: Supernet
  readonly data: SearchData
  readonly epoch: number
  readonly sgd: SgdStep
}

async function architectureStep(run: EpochRun, step: number, state: BilevelState, valid: MeanTally) {
  const { context, method, supernet, data, epoch, sgd } = run
  const gradient = method.gradient ?? firstOrder
  const half = method.oneLevel ? 'weights' : 'architecture'
  const result = await gradient({
    supernet,
    relaxation: method.relaxation(epoch),
    parameters: state.parameters,
    validBatch: await data[half].batch(step),
    trainBatch: () => data.weights.batch(step * (method.weightSteps ?? 1)),
    sgd,
    stream: context.random(half, 'step', step),
  })
  if (!method.oneLevel) valid.add(result)
  const penalty = method.penalty?.gradient(state.parameters, epoch)
  const total = penalty === undefined ? result.parameters : zip(result.parameters, penalty, (g, p) => g + p)
  const settings = context.protocol.architecture
  const moved = adam(state.parameters, total, state.adam, {
    ...settings,
    weightDecay: method.weightDecay ?? settings.weightDecay,
  })
  return { parameters: moved.parameters, adam: moved.state }
}

async function weightSteps(run: EpochRun, step: number, { parameters }: BilevelState): Promise<void> {
  const { context, method, supernet, data, epoch, sgd } = run
  const n = method.weightSteps ?? 1
  for (let index = step * n; index < (step + 1) * n; index++) {
    const stream = context.random('weights', 'step', index)
    const mixing =
      method.weightMixing?.(stream, parameters, epoch) ?? method.relaxation(epoch).relax(parameters, stream).mixing
    await supernet.step(await data.weights.batch(index), mixing, sgd)
  }
}

/** A whole search by one method on one network. @param runEpoch where an epoch is more than `bilevelEpoch` */
export async function bilevelSearch(
  context: SearchContext,
  method: BilevelMethod,
  runEpoch: EpochRunner = bilevelEpoch,
): Promise<Search & { readonly relaxed: RelaxedSearch }> {
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
      const { theta, edgeWeights } = relaxation.relax(state.parameters).mixing
      return space.derive(theta, edgeWeights)
    },
    save: async () => ({ ...state, network: await supernet.executable.save() }),
    restore(saved) {
      const { network, parameters, adam } = saved as unknown as BilevelState & { readonly network: ExecutableState }
      supernet.executable.restore(network)
      state = { parameters, adam }
    },
    relaxed: { relaxation, supernet, parameters: () => state.parameters },
    dispose: () => supernet.dispose(),
  }
}

/** Of its weight steps. */
export function trainReport(tally: Tally): EpochReport {
  return { trainLoss: tally.loss, trainAccuracyPct: (100 * tally.correct) / tally.samples }
}

export interface MeanTally {
  add(tally: Tally): void
  report(): EpochReport
}

/** Mean loss and accuracy over the validation batches of an epoch; an empty report where there was none. */
export function meanTally(): MeanTally {
  let loss = 0
  let correct = 0
  let samples = 0
  return {
    add(tally) {
      loss += tally.loss * tally.samples
      correct += tally.correct
      samples += tally.samples
    },
    report: () => (samples === 0 ? {} : { validLoss: loss / samples, validAccuracyPct: (100 * correct) / samples }),
  }
}

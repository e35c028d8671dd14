/**
 * The progressive search of DrNAS (§2.4): a sequence of stages in which the operations see more and more channels,
 * while every edge keeps fewer and fewer operations.
 *
 * - A stage trains a supernet with partial channels 1/K. At its end the supernet is widened to the next K
 *   (`drnasWidening.ts`), and each edge keeps only its operations of largest concentration; ties go to the lower index.
 * - A sample θ is still drawn over all operations, the pruned ones with concentration ELU(0) + 1 = 1, then masked and
 *   renormalised (as in the authors' code). Pruned operations are not computed.
 * - α is frozen in the first epochs of a stage while the weights adapt: for 10 of the paper's 25 or 50 epochs, here for
 *   at most 40 % of the epochs of a stage.
 * - α, Adam's moments and the learning-rate schedule continue through the stages, which have equally many epochs. The
 *   authors' code makes a new SGD optimiser in each stage, whose rate begins at the initial one: `restartRate`.
 *
 * Algorithm files have at most 120 lines; this one is longer because of the stages and their pruning.
 */
import type { Search, SearchContext, SearchState } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { ExecutableState } from '../core/executor.ts'
import { type Matrix, map, type Relaxation } from '../core/mixing.ts'
import { pluralize } from '../core/plainText.ts'
import type { Supernet } from '../core/supernet.ts'
import { dirichletRelaxation } from './distributions/dirichletRelaxation.ts'
import { widen } from './drnasWidening.ts'
import {
  type BilevelMethod,
  type BilevelState,
  bilevelEpoch,
  bilevelStart,
  initialParameters,
} from './shared/bilevel.ts'
import { keepStrongest, type Mask, stageBegins } from './shared/pruning.ts'

/** Options of DrNAS' progressive search. */
export interface ProgressiveOptions {
  /** K of each stage of the search: operations see 1/K of the channels. */
  readonly partialChannels: readonly number[]
  /** Share (0 to 1) of an edge's remaining operations that are kept after a stage; their number is rounded up. */
  readonly kept: number
  /** Number of epochs at the start of each stage in which α is frozen; absent: 40 % of the stage, at most 10. */
  readonly freeze?: number
  /** Whether the learning rate of the network weights restarts at its initial value in each stage. */
  readonly restartRate: boolean
}

/**
 * DrNAS' relaxation restricted to the operations that have not been pruned: θ′ = θ / Σ θ, summed over the operations of
 * an edge that remain.
 */
export function maskedDirichlet(mask: Mask): Relaxation {
  const masked = (matrix: Matrix) => map(matrix, (value, edge, op) => (mask[edge][op] ? value : 0))
  return {
    stochastic: true,
    relax(alpha, stream) {
      const whole = dirichletRelaxation.relax(masked(alpha), stream)
      const left = masked(whole.mixing.theta)
      const totals = left.map((row) => row.reduce((sum, value) => sum + value, 0))
      const theta = map(left, (value, edge) => value / totals[edge])
      return {
        mixing: { theta, active: mask },
        pullback(gradient) {
          const means = theta.map((row, edge) => row.reduce((sum, t, op) => sum + t * gradient.theta[edge][op], 0))
          const gradTheta = masked(map(gradient.theta, (g, edge) => (g - means[edge]) / totals[edge]))
          return masked(whole.pullback({ ...gradient, theta: gradTheta }))
        },
      }
    },
  }
}

/**
 * Prunes operations: of the remaining ones on each edge, keeps those of largest α. Their number is share · remaining,
 * rounded up, at least 1. → the new mask
 */
export const prune = (alpha: Matrix, mask: Mask, share: number): Mask =>
  keepStrongest(alpha, mask, (left) => Math.max(1, Math.ceil(share * left)))

/** The current stage of the progressive search: its number, remaining operations and supernet. */
interface Stage {
  readonly index: number
  readonly mask: Mask
  readonly supernet: Supernet
}

/** Makes DrNAS' progressive search. @param anchor the penalty or weight decay that keeps the concentration β near 1 */
export async function progressiveSearch(
  context: SearchContext,
  anchor: Pick<BilevelMethod, 'penalty' | 'weightDecay'>,
  { partialChannels, kept, freeze, restartRate }: ProgressiveOptions,
): Promise<Search> {
  const { space, protocol } = context
  checkStages(protocol.epochs, { partialChannels, freeze })
  const start = initialParameters(context)
  const begins = stageBegins(partialChannels.length, protocol.epochs)
  const frozenEpochs = freeze ?? Math.min(10, Math.floor((0.4 * protocol.epochs) / partialChannels.length))
  const compileStage = (stage: number) => context.supernet({ partialChannels: partialChannels[stage] })
  let stage: Stage = { index: 0, mask: start.map((row) => row.map(() => true)), supernet: await compileStage(0) }
  const method = (): BilevelMethod => ({
    ...anchor,
    start,
    relaxation: () => maskedDirichlet(stage.mask),
    architectureFrom: begins[stage.index] + frozenEpochs,
    ...(restartRate && { rateFrom: begins[stage.index] }),
  })
  let state: BilevelState = bilevelStart(method())

  /** Moves to the next stage of the search: a supernet with more channels, and fewer operations per edge. */
  async function advance(): Promise<void> {
    const index = stage.index + 1
    const wider = await compileStage(index)
    const { network } = stage.supernet.executable
    const stream = (operation: string) => context.random('widening', index, operation)
    const saved = await stage.supernet.executable.save()
    wider.executable.restore(widen(network, wider.executable.network, saved, stream))
    stage.supernet.dispose()
    stage = { index, mask: prune(state.parameters, stage.mask, kept), supernet: wider }
  }

  return {
    epochs: protocol.epochs,
    async epoch(index) {
      if (index === begins[stage.index + 1]) await advance()
      const after = await bilevelEpoch(context, method(), stage.supernet, state, index)
      state = after.state
      const operations = stage.mask.flat().filter(Boolean).length
      return {
        ...after.report,
        extra: { ...after.report.extra, partialChannels: partialChannels[stage.index], operations },
      }
    },
    genotype: () => space.derive(maskedDirichlet(stage.mask).relax(state.parameters).mixing.theta),
    async save(): Promise<SearchState> {
      const network = await stage.supernet.executable.save()
      return { ...state, stage: stage.index, mask: stage.mask, network }
    },
    async restore(saved) {
      const { stage: index, mask, network, parameters, adam } = saved as unknown as Saved
      if (index !== stage.index) {
        stage.supernet.dispose()
        stage = { index, mask, supernet: await compileStage(index) }
      }
      stage.supernet.executable.restore(network)
      stage = { ...stage, mask }
      state = { parameters, adam }
    },
    get relaxed() {
      return {
        relaxation: maskedDirichlet(stage.mask),
        supernet: stage.supernet,
        parameters: () => state.parameters,
      }
    },
    dispose: () => stage.supernet.dispose(),
  }
}

/**
 * Checks the stages of a progressive search before it runs.
 * @throws BenchError `bad-input` if a stage would have no epoch, would not train α, or would not widen the supernet
 */
export function checkStages(
  epochs: number,
  { partialChannels, freeze = 0 }: Pick<ProgressiveOptions, 'partialChannels' | 'freeze'>,
): void {
  const stages = partialChannels.length
  const refuse = (message: string): never => {
    throw new BenchError('bad-input', `drnas: ${message}`)
  }
  if (stages > epochs) {
    refuse(
      `${stages} stages (partialChannels) need as many epochs; the protocol has ${epochs}; give it more, or fewer stages`,
    )
  }
  const given = `partialChannels=${partialChannels.join(',')}`
  if (stages < 2) refuse(`${given} is one stage, after which nothing is widened; give each stage's K, as 4,2`)
  if (partialChannels.some((k, stage) => k > (partialChannels[stage - 1] ?? k))) {
    refuse(`${given} narrows the network; stages widen it, so give K in descending order, as 4,2`)
  }
  const begins = [...stageBegins(stages, epochs), epochs]
  const shortest = Math.min(...begins.slice(1).map((end, stage) => end - begins[stage]))
  if (freeze < shortest) return
  refuse(
    `freeze=${freeze} leaves none of the ${pluralize(shortest, 'epoch')} of a stage for α; give fewer than that, or more epochs`,
  )
}

/** The state of a progressive search as saved in a checkpoint. */
interface Saved extends BilevelState {
  readonly stage: number
  readonly mask: Mask
  readonly network: ExecutableState
}

/**
 * DrNAS' progressive learning (§2.4): stages in which the operations see more and more channels and each edge has fewer
 * and fewer operations.
 *
 * - A stage has partial channels 1/K. At its end the network is widened to the next K (`widening.ts`), and only the
 *   operations of largest concentration stay on each edge; of equals the lowest index.
 * - A sample is still drawn over all operations, the pruned ones with concentration ELU(0) + 1 = 1, then masked and
 *   divided by what is left (the authors' code); pruned operations are not computed.
 * - α stays still in the first epochs of a stage, while the weights adapt: 10 of the paper's 25 or 50, here at most 40 %.
 * - α, Adam's moments and the cosine of the learning rate go on through the stages. Stages have equally many epochs. In the
 *   authors' code each stage makes a new SGD, which begins at the initial rate: so with `restartRate`.
 */
import type { Search, SearchContext, SearchState } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { ExecutableState } from '../../core/executor.ts'
import { type Matrix, map, type Relaxation } from '../../core/mixing.ts'
import { requireAllFinite } from '../../core/numbers.ts'
import type { Supernet } from '../../core/supernet.ts'
import { dirichletRelaxation } from '../distributions/dirichletRelaxation.ts'
import {
  type BilevelMethod,
  type BilevelState,
  bilevelEpoch,
  bilevelStart,
  initialParameters,
} from '../supernet/bilevel.ts'
import { widen } from './widening.ts'

export interface ProgressiveOptions {
  /** K of each stage. */
  readonly partialChannels: readonly number[]
  /** Share of an edge's operations that a stage leaves to the next, rounded up. */
  readonly kept: number
  /** Epochs at the start of a stage in which α stays still. */
  readonly freeze?: number
  /** Each stage begins at the initial learning rate. */
  readonly restartRate: boolean
}

/** Which operations are left. [edge][op] */
type Mask = readonly (readonly boolean[])[]

/** The Dirichlet relaxation of the operations that are left: Σ over them of θ′ is 1, θ′ = θ / Σ θ. */
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

/** The ⌈share·count⌉ operations of largest α on each edge, but at least one, among those that are left. */
export function prune(alpha: Matrix, mask: Mask, share: number): Mask {
  return alpha.map((row, edge) => {
    requireAllFinite(row, 'an architecture parameter')
    const left = row.map((_, op) => op).filter((op) => mask[edge][op])
    const strongest = left.toSorted((a, b) => row[b] - row[a]).slice(0, Math.max(1, Math.ceil(share * left.length)))
    return row.map((_, op) => strongest.includes(op))
  })
}

interface Stage {
  readonly index: number
  readonly mask: Mask
  readonly supernet: Supernet
}

export async function progressiveSearch(
  context: SearchContext,
  anchor: Pick<BilevelMethod, 'penalty' | 'weightDecay'>,
  { partialChannels, kept, freeze, restartRate }: ProgressiveOptions,
): Promise<Search> {
  const { space, protocol } = context
  checkStages(protocol.epochs, { partialChannels, freeze })
  const start = initialParameters(context)
  const begins = beginsOf(partialChannels.length, protocol.epochs)
  const still = freeze ?? Math.min(10, Math.floor((0.4 * protocol.epochs) / partialChannels.length))
  const networkOf = (stage: number) => context.supernet({ partialChannels: partialChannels[stage] })
  let stage: Stage = { index: 0, mask: start.map((row) => row.map(() => true)), supernet: await networkOf(0) }
  const method = (): BilevelMethod => ({
    ...anchor,
    start,
    relaxation: () => maskedDirichlet(stage.mask),
    architectureFrom: begins[stage.index] + still,
    ...(restartRate && { rateFrom: begins[stage.index] }),
  })
  let state: BilevelState = bilevelStart(method())

  /** Wider and with fewer operations. */
  async function advance(): Promise<void> {
    const index = stage.index + 1
    const wider = await networkOf(index)
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
        stage = { index, mask, supernet: await networkOf(index) }
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

/** First epoch of each stage. */
const beginsOf = (stages: number, epochs: number): number[] =>
  Array.from({ length: stages }, (_, stage) => Math.round((stage * epochs) / stages))

/** @throws BenchError `bad-input` where a stage would have no epoch, learn nothing, or not widen the network */
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
  const ends = [...beginsOf(stages, epochs).slice(1), epochs]
  const shortest = Math.min(...beginsOf(stages, epochs).map((begin, stage) => ends[stage] - begin))
  if (freeze < shortest) return
  refuse(
    `freeze=${freeze} leaves none of the ${shortest} epochs of a stage for α; give fewer than that, or more epochs`,
  )
}

interface Saved extends BilevelState {
  readonly stage: number
  readonly mask: Mask
  readonly network: ExecutableState
}

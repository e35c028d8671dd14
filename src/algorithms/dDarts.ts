/**
 * D-DARTS (Heuillet, Tabia, Arioui, Youcef-Toumi: "D-DARTS: Distributed Differentiable Architecture Search", 2021), for
 * the DARTS space. Every cell of the search network has α of its own, so the answer is a list of cells. As in
 * Fair-DARTS, θ = σ(α); each cell i has a loss of its own:
 *
 *     L_i = L_val + w_0-1 · L_0-1(α_i) + w_AB · L_AB,i
 *     M_i = L_val(all cells) − L_val(cell i ablated),   L_AB,i = (M̄ − M_i)/M̄,   M̄ = mean over cells of M_i
 *
 * An ablated cell has mixing weights drawn uniformly from 0 to 1 (`aheuillet/D-DARTS`: model_search.py). Here L_AB,i is
 * differentiated wrt α_i, with the draws held fixed; L_AB,i is 0 where M̄ = 0. In the authors' code M_i is a plain
 * number, so that L_AB has no gradient; `ablation=0` leaves L_AB out and needs a single pass per step. Adam's rate for
 * α falls on a cosine to a third (3e-3 to 1e-3 there). Algorithm files have at most 120 lines; this one is longer
 * because of the ablation loss and its gradient.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { type Matrix, type Mixing, map, type Relaxation, zip } from '../core/mixing.ts'
import { pluralize } from '../core/plainText.ts'
import type { RandomStream } from '../core/random.ts'
import type { SearchSpace } from '../core/space.ts'
import { cosine } from '../training/schedule.ts'
import { sigmoid, zeroOneLoss } from './fairDarts.ts'
import { type AdamState, adam, adamStart } from './shared/adam.ts'
import { type ArchitectureGradient, bilevelSearch } from './shared/bilevel.ts'
import { fraction, number } from './shared/options.ts'

/** Fraction of its initial value to which the learning rate of α falls (train_search.py; model_search.py, eta_min). */
const RATE_END = 1 / 3

/** Loss on one batch with its gradient wrt the mixing weights of each cell. */
interface CellLoss {
  readonly loss: number
  readonly cells: readonly Matrix[]
}

/**
 * Returns the ablation loss L_AB,i of every cell i, and its gradient wrt the mixing weights of that cell.
 * @param whole the loss with all cells
 * @param ablated the loss with cell i ablated, for each i
 */
export function ablationLoss(whole: CellLoss, ablated: readonly CellLoss[]) {
  const count = ablated.length
  const contributions = ablated.map(({ loss }) => whole.loss - loss)
  const mean = contributions.reduce((sum, value) => sum + value, 0) / count
  if (mean === 0) return { values: contributions.map(() => 0), gradients: whole.cells.map((g) => map(g, () => 0)) }
  const values = contributions.map((contribution) => (mean - contribution) / mean)
  const gradients = whole.cells.map((own, cell) => {
    const others = ablated.filter((_, at) => at !== cell).map(({ cells }) => cells[cell])
    const ofMean = map(own, (g, row, op) => g - others.reduce((sum, each) => sum + each[row][op], 0) / count)
    return zip(ofMean, own, (dMean, dOwn) => (contributions[cell] * dMean - mean * dOwn) / (mean * mean))
  })
  return { values, gradients }
}

/**
 * D-DARTS' relaxation, θ = σ(α). α has the rows of the first cell's edges, then those of the second cell's, and so on.
 * `theta`, with one row for each edge of the space, holds the means over the cells.
 */
export const cellSigmoid = ({ edges }: SearchSpace, cells: readonly (readonly number[])[]): Relaxation => ({
  stochastic: false,
  relax(alpha) {
    const rows = sigmoid(alpha)
    const begins = cells.map((_, cell) => cells.slice(0, cell).flat().length)
    const own = cells.map((edges, cell) => ({ edges, theta: rows.slice(begins[cell], begins[cell] + edges.length) }))
    const theta = edges.map(({ operations }, edge) => {
      const of = own.flatMap(({ edges, theta }) => (edges.includes(edge) ? [theta[edges.indexOf(edge)]] : []))
      return operations.map((_, op) => of.reduce((sum, row) => sum + row[op], 0) / Math.max(1, of.length))
    })
    return {
      mixing: { theta, cells: own },
      pullback: (gradient) => zip(rows, (gradient.cells ?? []).flat(), (s, g) => g * s * (1 - s)),
    }
  },
})

/** Returns the mixing weights with those of one cell drawn uniformly from 0 to 1. */
function withoutCell(mixing: Mixing, ablated: number, stream: RandomStream): Mixing {
  const cells = mixing.cells?.map((cell, at) =>
    at === ablated && cell.theta ? { ...cell, theta: map(cell.theta, () => stream.uniform()) } : cell,
  )
  return { ...mixing, ...(cells && { cells }) }
}

/** The algorithm `d-darts`: Fair-DARTS in which each cell has its own architecture parameters. */
export const dDarts = defineAlgorithm({
  name: 'd-darts',
  version: 1,
  description: 'Fair-DARTS with α of each cell’s own; the answer is a list of cells',
  source: 'Heuillet et al., "D-DARTS: Distributed Differentiable Architecture Search", arXiv 2108.09306, 2021',
  look: { colour: 'blue', dash: 'wideDotted', marker: 'rect' },
  kind: 'supernet',
  spaces: ['darts', 'darts-no-none', 'darts-s1', 'darts-s2', 'darts-s3', 'darts-s4'],
  options: z.strictObject({
    zeroOne: number(9, 'w_0-1, the weight of the zero-one loss of each cell (train_search.py, aux_loss_weight)', 0),
    ablation: number(0.7, 'w_AB, the weight of the ablation loss; 0 saves its passes (train_search.py)', 0),
    threshold: fraction(0.85, 'σ that an edge’s operation must reach to be kept (train_search.py, op_threshold)'),
  }),
  exceptions: {
    'mixing weights are not negative and sum to 1 on each edge that is computed':
      'the sigmoids of an edge are independent',
  },
  check({ protocol, network }) {
    const { depth } = protocol.network
    if (depth < 3) {
      throw new BenchError(
        'bad-input',
        `d-darts: a list of ${pluralize(depth, 'cell')} lacks a normal or a reduction cell; set network.depth to at least 3`,
      )
    }
    network({ mixingPerCell: true })
  },
  search(context, { zeroOne, ablation, threshold }) {
    const { space, protocol } = context
    const cells = space.supernetCells?.(protocol.network.depth) ?? []
    const relaxation = cellSigmoid(space, cells)
    const seen = { spread: 0, steps: 0 }

    const gradient: ArchitectureGradient = async ({ supernet, relaxation, parameters, validBatch, stream }) => {
      const { mixing, pullback } = relaxation.relax(parameters)
      const result = await supernet.gradient(validBatch, mixing)
      const whole = { loss: result.loss, cells: result.mixing.cells ?? [] }
      const ablated: CellLoss[] = []
      for (const cell of cells.keys()) {
        const { loss, mixing: own } = await supernet.gradient(validBatch, withoutCell(mixing, cell, stream), {
          mode: 'probe',
        })
        ablated.push({ loss, cells: own.cells ?? [] })
      }
      const { values, gradients } = ablationLoss(whole, ablated)
      seen.spread += Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
      seen.steps++
      const total = whole.cells.map((own, cell) => zip(own, gradients[cell], (g, a) => g + ablation * a))
      return { ...result, parameters: pullback({ ...result.mixing, cells: total }) }
    }

    return bilevelSearch(context, {
      start: cells.flat().map((edge) => space.edges[edge].operations.map(() => 0)),
      relaxation: () => relaxation,
      supernet: { mixingPerCell: true },
      // The sum over the cells of their own losses, each a mean over the cell's α.
      penalty: zeroOneLoss(zeroOne * cells.length),
      threshold,
      update: {
        start: adamStart,
        step(parameters, gradient, state, { settings, epoch }) {
          const { learningRate } = settings
          const rate = cosine(epoch, protocol.epochs, learningRate, RATE_END * learningRate)
          return adam(parameters, gradient, state as AdamState, { ...settings, learningRate: rate })
        },
      },
      ...(ablation > 0 && {
        gradient,
        extra() {
          const ablationSpread = seen.spread / Math.max(1, seen.steps)
          Object.assign(seen, { spread: 0, steps: 0 })
          return { ablationSpread }
        },
      }),
    })
  },
})

/**
 * Λ-DARTS (Movahedi, Adabinejad, Imani, Keshavarz, Dehghani, Shakery, Araabi: "Λ-DARTS: Mitigating Performance Collapse
 * by Harmonizing Operation Selection among Cells", ICLR 2023). DARTS whose weight steps keep the gradients of the
 * mixing weights alike in all cells:
 *
 *     Λ = mean over pairs of cells of cos(g_i, g_j),   g_i = ∂L_train/∂θ through cell i                      (eq. 5)
 *     w descends L_train − λ·Λ,   ∇_w Λ = [∇_w L(θ + εδ) − ∇_w L(θ − εδ)] / (2ε),   δ_i = ∂Λ/∂g_i            (eq. 7)
 *     δ_i = 2/(n(n − 1)) · (I − u_i u_iᵀ) Σ_j u_j / ‖g_i‖,   u_i = g_i / ‖g_i‖,   ε = ε₀ / ‖δ‖
 *
 * where each cell has mixing weights of its own for the difference only. `harmony` in the record is Λ. λ grows from 0
 * in the first epoch to the option `lambda` in the last. On the DARTS space only normal cells are compared
 * (`dr-faustus/Lambda-DARTS`: sota/cnn/model_search.py). A weight step costs three passes in place of one. With fewer
 * than two cells to compare there is no Λ; `check` refuses such networks. Algorithm files have at most 120 lines; this
 * one is longer because of the finite difference.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { WeightVector } from '../core/executor.ts'
import { type Matrix, type Mixing, map, type Relaxation, zip } from '../core/mixing.ts'
import { pluralize } from '../core/plainText.ts'
import type { SearchSpace } from '../core/space.ts'
import { linear } from '../training/schedule.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters, requireGrowth, type WeightStep } from './shared/bilevel.ts'
import { number } from './shared/options.ts'
import { descend } from './shared/weightSteps.ts'

/** Returns Σ a·b of two matrices of the same shape. */
const dot = (a: Matrix, b: Matrix) =>
  zip(a, b, (x, y) => x * y)
    .flat()
    .reduce((sum, value) => sum + value, 0)

/** Returns Λ, the mean cosine between the gradients of all pairs of cells, and its gradient wrt each of them. */
export function harmony(gradients: readonly Matrix[]): { readonly value: number; readonly directions: Matrix[] } {
  const n = gradients.length
  const weight = 2 / (n * (n - 1))
  const norms = gradients.map((g) => Math.max(Math.sqrt(dot(g, g)), Number.MIN_VALUE))
  const units = gradients.map((g, i) => map(g, (value) => value / norms[i]))
  const sum = units.slice(1).reduce((total, unit) => zip(total, unit, (s, u) => s + u), units[0])
  const own = units.reduce((total, unit) => total + dot(unit, unit), 0)
  const directions = units.map((unit, i) => {
    const along = dot(unit, sum)
    return zip(sum, unit, (s, u) => (dot(unit, unit) === 0 ? 0 : (weight * (s - along * u)) / norms[i]))
  })
  return { value: (weight * (dot(sum, sum) - own)) / 2, directions }
}

/** DARTS' relaxation in a supernet with mixing weights per cell. All cells get the same weights. */
const perCell = (cells: readonly (readonly number[])[]): Relaxation => ({
  stochastic: false,
  relax(alpha) {
    const { mixing, pullback } = softmaxRelaxation.relax(alpha)
    return { mixing: { ...mixing, cells: cells.map((edges) => ({ edges })) }, pullback }
  },
})

/** Returns the cells that are compared: all on NAS-Bench-201, the normal ones on the DARTS space. */
const comparedCells = ({ edges }: SearchSpace, cells: readonly (readonly number[])[]): number[] =>
  [...cells.keys()].filter((cell) => edges[cells[cell][0]].cell === 'normal')

/** Adds scale · direction to the mixing weights of some cells; every moved cell has a direction of its own. */
function displaced(mixing: Mixing, moved: readonly number[], directions: readonly Matrix[], scale: number): Mixing {
  const cells = mixing.cells?.map((cell, at) => {
    const direction = directions[moved.indexOf(at)]
    const shared = cell.edges.map((edge) => mixing.theta[edge])
    return direction === undefined ? cell : { ...cell, theta: zip(shared, direction, (t, d) => t + scale * d) }
  })
  return { ...mixing, ...(cells && { cells }) }
}

/** The algorithm `lambda-darts`: DARTS that aligns the gradients of the mixing weights of all cells. */
export const lambdaDarts = defineAlgorithm({
  name: 'lambda-darts',
  version: 1,
  description: 'DARTS whose weights also align the mixing weights’ gradients of all cells',
  source: 'Movahedi et al., "Λ-DARTS: Mitigating Performance Collapse", ICLR 2023',
  look: { colour: 'purple', dash: 'longDashed', marker: 'star' },
  kind: 'supernet',
  options: z.strictObject({
    lambda: number(0.125, 'λ of the last epoch; it grows linearly from 0 (train_search.py, lambda_)', 0),
    epsilon: number(1e-4, 'ε₀: length of the displacement of the difference (train_search.py)', Number.MIN_VALUE),
  }),
  check({ space, protocol, network }) {
    requireGrowth('lambda-darts', 'λ', protocol)
    network({ mixingPerCell: true })
    const cells = space.supernetCells?.(protocol.network.depth)
    if (cells === undefined) {
      throw new BenchError('unsupported', `lambda-darts: ${space.name} does not tell the cells of its supernets apart`)
    }
    const count = comparedCells(space, cells).length
    if (count > 1) return
    throw new BenchError(
      'bad-input',
      `lambda-darts: cells are compared in pairs, and the search network has ${pluralize(count, 'normal cell')}; raise network.depth`,
    )
  },
  search(context, { lambda, epsilon }) {
    const { space, protocol } = context
    const cells = space.supernetCells?.(protocol.network.depth) ?? []
    const compared = comparedCells(space, cells)
    const lambdaOf = (epoch: number) => linear(epoch, Math.max(1, protocol.epochs - 1), 0, lambda)
    const seen = { harmony: 0, steps: 0 }

    /** Adds −λ ∇_w Λ to the gradient of the training loss wrt w. */
    async function align({ supernet, batch, mixing, epoch }: WeightStep, cells: readonly Matrix[], sum: WeightVector) {
      const { value, directions } = harmony(compared.map((cell) => cells[cell]))
      seen.harmony += value
      seen.steps++
      const length = Math.sqrt(directions.reduce((total, each) => total + dot(each, each), 0))
      if (length === 0 || lambdaOf(epoch) === 0) return
      const step = epsilon / length
      const side = supernet.vector()
      try {
        for (const sign of [1, -1]) {
          const moved = displaced(mixing, compared, directions, sign * step)
          await supernet.gradient(batch, moved, { weights: side })
          sum.axpy((-sign * lambdaOf(epoch)) / (2 * step), side)
        }
      } finally {
        side.dispose()
      }
    }

    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => perCell(cells),
      supernet: { mixingPerCell: true },
      extra(_, epoch) {
        const harmony = seen.harmony / Math.max(1, seen.steps)
        Object.assign(seen, { harmony: 0, steps: 0 })
        return { lambda: lambdaOf(epoch), harmony }
      },
      async weightStep(step) {
        const { supernet, batch, mixing, sgd } = step
        const gradient = supernet.vector()
        try {
          const result = await supernet.gradient(batch, mixing, { weights: gradient })
          if (compared.length > 1) await align(step, result.mixing.cells ?? [], gradient)
          await descend(supernet, gradient, sgd)
          return result
        } finally {
          gradient.dispose()
        }
      },
    })
  },
})

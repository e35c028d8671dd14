/**
 * Fair-DARTS (Chu, Zhou, Zhang, Li: "Fair DARTS: Eliminating Unfair Advantages in Differentiable Architecture Search",
 * ECCV 2020). First-order DARTS in which the operations of an edge do not compete:
 *
 *     θ_o = σ(α_o) for each operation o by itself
 *     L_0-1 = −(1/N) Σ (σ(α) − ½)²,   min over α of L_val(w*(α), α) + w_0-1 · L_0-1
 *
 * σ is the logistic function and N the number of entries of α; the zero-one loss pushes each σ(α) towards 0 or 1. α
 * starts at 0, where every operation has weight ½. On each edge the strongest operation is a candidate, each node keeps
 * its two strongest edges, and those below the threshold are left out, so that a node may have fewer than two inputs.
 *
 * The authors searched the DARTS space without `none` (`--space darts-no-none`). Where `none` is a candidate, it has no
 * gradient and stays at ½. They published nothing for NAS-Bench-201: there an edge whose strongest operation stays
 * below the threshold is `none`. On `nb201-no-none` nothing can be left out, and another threshold is refused.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { type Matrix, map, type Relaxation, zip } from '../core/mixing.ts'
import type { SearchSpace } from '../core/space.ts'
import { bilevelSearch, initialParameters, type Penalty } from './shared/bilevel.ts'
import { fraction, number } from './shared/options.ts'

/** The logistic function σ(α) = 1/(1 + exp(−α)) of each architecture parameter. */
export const sigmoid = (alpha: Matrix): Matrix => map(alpha, (a) => 1 / (1 + Math.exp(-a)))

/** Fair-DARTS' relaxation: mixing weights σ(α), which need not sum to 1 on an edge. */
export const sigmoidRelaxation: Relaxation = {
  stochastic: false,
  relax(alpha) {
    const theta = sigmoid(alpha)
    return { mixing: { theta }, pullback: (gradient) => zip(theta, gradient.theta, (s, g) => g * s * (1 - s)) }
  },
}

/** Fair-DARTS' zero-one loss −weight/N · Σ (σ(α) − ½)² over the N architecture parameters. */
export function zeroOneLoss(weight: number): Penalty {
  const scale = (alpha: Matrix) => -weight / alpha.flat().length
  return {
    value: (alpha) =>
      scale(alpha) * sigmoid(alpha).reduce((sum, row) => row.reduce((s, x) => s + (x - 0.5) * (x - 0.5), sum), 0),
    gradient: (alpha) => map(sigmoid(alpha), (s) => scale(alpha) * 2 * (s - 0.5) * s * (1 - s)),
  }
}

const THRESHOLD = 0.85

/** Tells whether a derivation in this space leaves out operations whose mixing weight is below a threshold. */
function hasThreshold(space: SearchSpace): boolean {
  const weak = space.edges.map(({ operations }) => operations.map((_, op) => (0.5 * op) / operations.length))
  return space.format(space.derive(weak, undefined, 1)) !== space.format(space.derive(weak))
}

/** The algorithm `fair-darts`: first-order DARTS with sigmoid mixing weights and the zero-one loss. */
export const fairDarts = defineAlgorithm({
  name: 'fair-darts',
  version: 2,
  description: 'DARTS with a sigmoid for each operation, pushed to 0 or 1; weak edges are left out',
  source: 'Chu et al., "Fair DARTS: Eliminating Unfair Advantages in Differentiable Architecture Search", ECCV 2020',
  look: { colour: 'green', dash: 'dashDotDotted', marker: 'cross' },
  kind: 'supernet',
  options: z.strictObject({
    zeroOne: number(10, "w_0-1, the weight of the zero-one loss (the authors' code)", 0),
    threshold: fraction(THRESHOLD, "σ that an edge's operation must reach to be kept (the authors' code)"),
  }),
  exceptions: {
    'mixing weights are not negative and sum to 1 on each edge that is computed':
      'the sigmoids of an edge are independent',
  },
  check({ space }, { threshold }) {
    if (threshold === THRESHOLD || hasThreshold(space)) return
    const found = `threshold=${threshold} leaves out no operation on ${space.name}, where every edge has one`
    throw new BenchError('bad-input', `fair-darts: ${found}; leave it out`)
  },
  search: (context, { zeroOne, threshold }) =>
    bilevelSearch(context, {
      start: map(initialParameters(context), () => 0),
      relaxation: () => sigmoidRelaxation,
      penalty: zeroOneLoss(zeroOne),
      threshold,
    }),
})

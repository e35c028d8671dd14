/**
 * DARTS-PT (Wang, Cheng, Chen, Tang, Hsieh: "Rethinking Architecture Selection in Differentiable NAS", ICLR 2021):
 * first-order DARTS whose architecture is not read from α, but selected by perturbation. When the supernet is trained,
 * each edge gets the operation without which the supernet loses most accuracy (`shared/perturbation.ts` has the rule).
 * Any other search has this selection as the option `select=perturbation`.
 *
 * With `alpha=fixed` α is not learnt at all: every operation keeps the same mixing weight through search and tuning
 * (the paper's DARTS-PT with fixed α). Here α is 0 then; the authors' code leaves it at its random start, 10⁻³·N(0, 1).
 *
 * The selection adds 5 epochs between two decisions to those of the protocol: 25 on NAS-Bench-201 (6 edges) and 80 on
 * the DARTS space (14 edges, each in both cells at once, then 3 nodes; the authors' code has one node more). Their
 * number does not depend on the length of the search.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { map } from '../core/mixing.ts'
import { softmaxRelaxation } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { choice, count } from './shared/options.ts'
import { selectedByPerturbation } from './shared/perturbation.ts'

/** The algorithm `darts-pt`: first-order DARTS with selection by perturbation; with fixed α, only the selection. */
export const dartsPt = defineAlgorithm({
  name: 'darts-pt',
  version: 1,
  description: 'DARTS whose operations are selected by the accuracy that the supernet loses without them',
  source: 'Wang et al., "Rethinking Architecture Selection in Differentiable NAS", ICLR 2021',
  look: { colour: 'orange', dash: 'dashDotDotted', marker: 'cross' },
  kind: 'supernet',
  options: z.strictObject({
    tune: count(5, "epochs of training between two decisions (the authors' code)", 0),
    alpha: choice(['learnt', 'fixed'], 'learnt', 'whether α is learnt, or the same for all operations'),
  }),
  exceptions: {
    'mixing weights are not negative and sum to 1 on each edge that is computed':
      'the selection leaves out single operations without renormalising',
    'it keeps within its epochs': 'the selection trains the supernet for further epochs',
  },
  idleUnder: ({ alpha }) => (alpha === 'fixed' ? { architecture: 'alpha=fixed takes no architecture step' } : {}),
  async search(context, { tune, alpha }) {
    const fixedAlpha = alpha === 'fixed'
    const start = initialParameters(context)
    const search = await bilevelSearch(context, {
      start: fixedAlpha ? map(start, () => 0) : start,
      relaxation: () => softmaxRelaxation,
      ...(fixedAlpha && { architectureFrom: Number.POSITIVE_INFINITY }),
    })
    return selectedByPerturbation(context, search, { tune, fixedAlpha })
  },
})

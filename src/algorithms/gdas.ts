/**
 * GDAS (Dong and Yang: "Searching for a Robust Neural Architecture in Four GPU Hours", CVPR 2019). Like DARTS, but
 * every forward pass computes one operation per edge: the largest entry of a Gumbel-softmax sample at temperature τ
 * (eq. 3-6).
 *
 * In the code, alpha is the paper's A, and y its h̃. τ falls linearly over the epochs, from 10 to 0.1 in the paper and
 * in NAS-Bench-201's configuration. The code and paper of DrNAS (§3), which also run GDAS, have 10 to 1, which the
 * option `tauMin=1` gives. Mixing weights of operations that are not computed get no gradient. GDAS' published code
 * gives them the summed gradient of the edge's output, an artefact of how that code adds a zero.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { linear } from '../training/schedule.ts'
import { checkFalling, hardGumbel } from './distributions/categorical.ts'
import { bilevelSearch, initialParameters } from './shared/bilevel.ts'
import { number } from './shared/options.ts'

/** The algorithm `gdas`: DARTS with one operation per edge, chosen by a hard Gumbel-softmax. */
export const gdas = defineAlgorithm({
  name: 'gdas',
  version: 1,
  description: 'One sampled operation an edge by a hard Gumbel-softmax, its temperature falling',
  source: 'Dong and Yang, "Searching for a Robust Neural Architecture in Four GPU Hours", CVPR 2019',
  look: { colour: 'olive', dash: 'dashed', marker: 'rectRot' },
  kind: 'supernet',
  options: z.strictObject({
    tauMax: number(10, 'temperature of the first epoch (§4; NAS-Bench-201, GDAS.config)', 1e-3),
    tauMin: number(0.1, 'temperature of the last epoch (§4; NAS-Bench-201, GDAS.config)', 1e-3),
  }),
  check: (_, options) => checkFalling('gdas', options),
  search(context, { tauMax, tauMin }) {
    const last = Math.max(1, context.protocol.epochs - 1)
    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: (epoch) => hardGumbel(linear(epoch, last, tauMax, tauMin)),
    })
  },
})

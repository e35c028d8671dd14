/**
 * DARTS with a penalty on the entropy of its mixing weights.
 *
 * DARTS chooses one operation per edge only after the search, so the network that it trained and the network that it
 * answers differ. Here the architecture step minimises
 *
 *     L_val(w, α) + λ · (e / E) · Σ_edges H(softmax(α_edge)),   H(θ) = −Σ_o θ_o ln θ_o
 *
 * with a weight that grows over the epochs e = 0 … E − 1, so that each edge settles on one operation during the search.
 * The idea of such a penalty is from ASAP (Noy et al., AISTATS 2020) and others; this form is only an example.
 *
 *     bench check plugin examples/algorithm/entropyDarts.ts
 *     bench run --plugin examples/algorithm/entropyDarts.ts --algo darts-v1,entropy-darts --space nb201 --seeds 4
 */
import {
  bilevelSearch,
  defineAlgorithm,
  definePlugin,
  initialParameters,
  type Matrix,
  softmax,
  softmaxGradient,
  softmaxRelaxation,
} from 'nas-bench-harness'
import { z } from 'zod'

/** Returns Σ_edges H(softmax(α_edge)), in nats. @param alpha [edge][op] */
const entropy = (alpha: Matrix): number =>
  alpha.flatMap((row) => softmax(row).map((p) => -p * Math.log(p))).reduce((sum, term) => sum + term, 0)

/** Returns ∂entropy/∂α, [edge][op]: ∂H/∂θ_o = −ln θ_o − 1, and back through the softmax. */
const entropyGradient = (alpha: Matrix): Matrix =>
  alpha.map((row) => {
    const theta = softmax(row)
    return softmaxGradient(
      theta,
      theta.map((p) => -Math.log(p) - 1),
    )
  })

const entropyDarts = defineAlgorithm({
  name: 'entropy-darts',
  version: 1,
  description: 'DARTS with a growing penalty on the entropy of its mixing weights (example)',
  source: 'an example; compare ASAP (Noy et al., AISTATS 2020)',
  kind: 'supernet',
  options: z.strictObject({
    lambda: z.coerce.number().min(0).default(0.1).describe('weight of the penalty in the last epoch'),
  }),
  search(context, { lambda }) {
    const { epochs } = context.protocol
    const weight = (epoch: number) => (lambda * epoch) / epochs
    return bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => softmaxRelaxation,
      penalty: {
        value: (alpha, epoch) => weight(epoch) * entropy(alpha),
        gradient: (alpha, epoch) => entropyGradient(alpha).map((row) => row.map((g) => weight(epoch) * g)),
      },
    })
  },
})

export default definePlugin({ name: 'entropy-darts', algorithms: [entropyDarts] })

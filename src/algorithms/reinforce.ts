/**
 * REINFORCE (Williams 1992) as used for NAS (Zoph and Le 2017): a policy samples each decision of an architecture from
 * a categorical distribution, and the logits of the policy π ascend the expected reward R, the validation accuracy.
 *
 *     descend  −(R − b) Σ_decisions log π(decision),   b ← exponential moving average of R, this R included
 *
 * As in NATS-Bench: independent decisions instead of the paper's LSTM, R in %, Adam with rate 0.01, a moving average
 * with decay 0.9 (bias-corrected), initial logits from 10⁻³·N(0, 1). The search answers with the most accurate
 * architecture that it has evaluated.
 */
import { z } from 'zod'
import { defineAlgorithm } from '../core/algorithm.ts'
import { type Matrix, normalMatrix, softmax } from '../core/mixing.ts'
import { categorical } from './distributions/categorical.ts'
import { adam, adamStart } from './shared/adam.ts'
import { blackBoxSearch, checkEvaluations, evaluations } from './shared/blackBox.ts'
import { decay, number } from './shared/options.ts'

/** REINFORCE's policy gradient: ∂/∂logits of −advantage · Σ log softmax(logits)[chosen] = advantage · (π − onehot). */
export const policyGradient = (policy: Matrix, chosen: readonly number[], advantage: number): Matrix =>
  policy.map((row, i) => row.map((probability, value) => advantage * (probability - (value === chosen[i] ? 1 : 0))))

/** An exponential moving average of rewards with bias correction: its value is sum / weight. */
export interface Average {
  readonly sum: number
  readonly weight: number
}

/** The moving average of the rewards before the first reward. */
export const emptyAverage: Average = { sum: 0, weight: 0 }

/** Returns the moving average after one more value. @param decay weight of the old average, from 0 to below 1 */
export const averaged = ({ sum, weight }: Average, value: number, decay: number): Average => ({
  sum: decay * sum + (1 - decay) * value,
  weight: decay * weight + (1 - decay),
})

/** The algorithm `reinforce`: trains a categorical policy for each decision on validation accuracies. */
export const reinforce = defineAlgorithm({
  name: 'reinforce',
  version: 2,
  description: 'REINFORCE: a categorical policy for each decision ascends the expected validation accuracy',
  source: 'Williams 1992; Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017',
  look: { colour: 'sky', dash: 'dashDotted', marker: 'triangle' },
  kind: 'black-box',
  options: z.strictObject({
    learningRate: number(0.01, "Adam's rate on the logits (NATS-Bench, run-all.sh)", 0),
    baselineDecay: decay(0.9, 'decay of the moving average that rewards are compared with (NATS-Bench)'),
    evaluations,
  }),
  check(planned, { evaluations }) {
    checkEvaluations('reinforce', planned, evaluations, { least: 2, why: 'nothing is learnt from' })
  },
  async search(context, { learningRate, baselineDecay, evaluations }) {
    const { encoding } = context.space
    const settings = { learningRate, adamBetas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 } as const
    const stream = context.random('policy')
    return blackBoxSearch(context, evaluations, async (ask) => {
      let logits = normalMatrix(encoding.cardinalities, 1e-3, context.random('policy', 'start'))
      let state = adamStart(logits)
      let baseline = emptyAverage
      for (;;) {
        const policy = logits.map(softmax)
        const chosen = policy.map((row) => categorical(row, stream))
        const reward = await ask(encoding.decode(chosen))
        if (reward === undefined) return
        baseline = averaged(baseline, reward, baselineDecay)
        const advantage = reward - baseline.sum / baseline.weight
        ;({ parameters: logits, state } = adam(logits, policyGradient(policy, chosen, advantage), state, settings))
      }
    })
  },
})

/**
 * Wraps an executable so that it refuses numbers that are not finite in its inputs, its results and its checkpoints.
 */
import type { Executable, Feed } from '../core/executor.ts'
import { NotFiniteError, requireAllFinite, requireFinite } from '../core/numbers.ts'
import { withOverrides } from '../engine/plan/executable.ts'

/**
 * Returns a wrapper of the executable whose calls throw NotFiniteError at the first loss, gradient of a mixing weight,
 * logit or network weight that is not finite. The checks cost a pass over the mixing weights for each call, and a norm
 * of the network weights per epoch: a ReLU may turn NaN into 0, so a finite loss does not show that the weights are
 * finite.
 */
export function requireFiniteResults(executable: Executable): Executable {
  const activationMasks = executable.activationMasks?.bind(executable)
  return withOverrides(executable, {
    async gradient(feed, objective, want, mode) {
      const result = await executable.gradient(checked(feed), objective, want, mode)
      requireFinite(result.loss, 'the loss of a batch')
      if (result.coefficients) requireAllFinite(result.coefficients, 'the gradient of a mixing weight')
      return result
    },
    step: async (feed, objective, sgd) => executable.step(checked(feed), objective, sgd),
    async takeTally() {
      const tally = await executable.takeTally()
      if (tally.samples > 0) requireFinite(tally.loss, 'the training loss')
      await requireFiniteWeights(executable)
      return tally
    },
    async evaluate(feeds, mode) {
      const tally = await executable.evaluate(feeds, mode)
      if (tally.samples > 0) requireFinite(tally.loss, 'the loss of an evaluation')
      return tally
    },
    async forward(feed, mode) {
      const result = await executable.forward(checked(feed), mode)
      requireAllFinite(result.logits, 'a logit')
      return result
    },
    ...(activationMasks && { activationMasks: (feed) => activationMasks(checked(feed)) }),
    async save() {
      const state = await executable.save()
      requireAllFinite(state.weights, 'a network weight')
      requireAllFinite(state.momentum, 'the momentum of a network weight')
      requireAllFinite(state.statistics, 'a running batch-norm statistic')
      return state
    },
  })
}

function checked(feed: Feed): Feed {
  if (feed.coefficients) requireAllFinite(feed.coefficients, 'a mixing weight')
  return feed
}

async function requireFiniteWeights({ weights }: Executable): Promise<void> {
  const norm = await weights.norm()
  if (!Number.isFinite(norm)) throw new NotFiniteError('the norm of the network weights', norm)
}

/**
 * ENAS (Pham, Guan, Zoph, Le, Dean: "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018). An LSTM
 * controller samples architectures. Each epoch first trains the shared weights on sampled architectures, then the
 * controller, by REINFORCE on their validation accuracy with the shared weights (§2.2):
 *
 *     ascend  mean over a step's samples of (R − b) · log π(sample),   R = accuracy + entropy weight · entropy,
 *     b = decay · b′ + (1 − decay) R,   b′ the last sample's b of the previous epoch; in the first epoch b = accuracy
 *
 * The accuracy, in [0, 1], is measured on one batch of the architecture half, the next batch for each sample. After
 * each epoch, 10 architectures sampled from the controller are ranked by the shared weights; after the last epoch,
 * `candidates`. Rewards and ranking evaluate the network in evaluation mode: with running statistics if the protocol
 * keeps them. The accuracy, the rankings and the settings of the controller follow NAS-Bench-201 (ENAS.py,
 * ENAS.config); the protocol's settings of the architecture optimiser are not used.
 *
 * Differences from published code: NATS-Bench's code has Adam's β₁ = 0.5, and b′ is the mean of the previous epoch.
 * Unlike NAS-Bench-201 and NATS-Bench, each LSTM gate here has one bias, the entropy in R is not differentiated, and
 * all architectures of a ranking see the same images. Algorithm files have at most 120 lines; this one is longer
 * because of the two phases of an epoch, with a controller beside the network.
 */
import { z } from 'zod'
import { defineAlgorithm, type SearchContext } from '../core/algorithm.ts'
import type { ExecutableState } from '../core/executor.ts'
import { type Matrix, map, zip } from '../core/mixing.ts'
import type { Genotype } from '../core/space.ts'
import type { Supernet } from '../core/supernet.ts'
import {
  type ControllerSample,
  type ControllerShape,
  controllerStart,
  logProbabilityGradient,
  sampleController,
} from './enasController.ts'
import { type AdamState, adam, adamStart } from './shared/adam.ts'
import { onlyPath, rank, rankingOptions, trainOnPaths } from './shared/oneShot.ts'
import { count, decay, number } from './shared/options.ts'

const options = z.strictObject({
  controllerSteps: count(50, 'controller steps an epoch (NAS-Bench-201, ENAS.config)'),
  samplesPerStep: count(20, 'architectures a controller step averages over (NAS-Bench-201, ENAS.config)'),
  learningRate: number(0.001, "Adam's rate on the controller, with betas 0, 0.999 and ε 0.001 (ENAS.config)", 0),
  entropyWeight: number(1e-4, 'weight of the entropy in the reward (ENAS.config)', 0),
  baselineDecay: decay(0.99, 'share of the previous epoch’s baseline in what rewards are compared with (ENAS.config)'),
  clipNorm: number(5, 'largest norm of the controller’s gradient (ENAS.config)', 0),
  ...rankingOptions,
})

type Options = z.infer<typeof options>

/** The parameters of ENAS' LSTM controller and the state of its Adam optimiser. */
interface Controller {
  readonly parameters: Matrix
  readonly adam: AdamState
}

/** Number of sampled architectures that ENAS ranks after an epoch other than the last (ENAS.py, get_best_arch). */
const RANKED_PER_EPOCH = 10

/** The controller of NAS-Bench-201. @param cardinalities number of values of each decision of an architecture */
const shapeOf = (cardinalities: readonly number[]): ControllerShape => ({
  cardinalities,
  size: 32,
  layers: 2,
  temperature: 5,
  tanhConstant: 2.5,
})

/** An architecture sampled by the controller, its reward R, and the baseline b that REINFORCE subtracts from R. */
interface Trial {
  readonly sample: ControllerSample
  readonly reward: number
  readonly baseline: number
}

/**
 * Takes one REINFORCE step on the LSTM controller with the mean gradient over the sampled architectures. → the new
 * controller
 */
export function controllerStep(
  shape: ControllerShape,
  { parameters, adam: state }: Controller,
  trials: readonly Trial[],
  { learningRate, clipNorm }: Pick<Options, 'learningRate' | 'clipNorm'>,
): Controller {
  let gradient = map(parameters, () => 0)
  for (const { sample, reward, baseline } of trials) {
    const weight = (baseline - reward) / trials.length
    gradient = zip(gradient, logProbabilityGradient(shape, parameters, sample), (sum, g) => sum + weight * g)
  }
  const settings = { learningRate, adamBetas: [0, 0.999], epsilon: 1e-3, weightDecay: 0, clipNorm } as const
  const moved = adam(parameters, gradient, state, settings)
  return { parameters: moved.parameters, adam: moved.state }
}

/**
 * Trains the LSTM controller for one epoch.
 * @param previous REINFORCE's baseline after the previous epoch; undefined in the first epoch
 */
async function trainController(
  context: SearchContext,
  supernet: Supernet,
  shape: ControllerShape,
  start: Controller,
  previous: number | undefined,
  epoch: number,
  options: Options,
): Promise<{ readonly controller: Controller; readonly baseline: number }> {
  const { architecture } = await context.data()
  const { baselineDecay, entropyWeight } = options
  let controller = start
  let baseline = 0
  for (let step = epoch * options.controllerSteps; step < (epoch + 1) * options.controllerSteps; step++) {
    const trials: Trial[] = []
    for (let n = 0; n < options.samplesPerStep; n++) {
      const sample = sampleController(shape, controller.parameters, context.random('controller', step, n))
      const batch = await architecture.batch(step * options.samplesPerStep + n)
      const genotype = context.space.encoding.decode(sample.decisions)
      const { correct, samples } = await supernet.evaluate([batch], onlyPath(context.space, genotype), 'eval')
      const accuracy = correct / samples
      const reward = accuracy + entropyWeight * sample.entropy
      baseline = previous === undefined ? accuracy : baselineDecay * previous + (1 - baselineDecay) * reward
      trials.push({ sample, reward, baseline })
    }
    controller = controllerStep(shape, controller, trials, options)
  }
  return { controller, baseline }
}

/** The algorithm `enas`: trains shared weights and an LSTM controller that samples architectures. */
export const enas = defineAlgorithm({
  name: 'enas',
  version: 2,
  description: 'An LSTM controller samples architectures with shared weights and learns by REINFORCE',
  source: 'Pham et al., "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018',
  look: { colour: 'green', dash: 'dotted', marker: 'rectRot' },
  kind: 'supernet',
  options,
  idle: {
    architecture: 'the controller has options of its own',
    stepOrder: 'the controller learns after the weights, once an epoch',
  },
  async search(context, chosen) {
    const { space, protocol, random } = context
    const shape = shapeOf(space.encoding.cardinalities)
    const supernet = await context.supernet()
    const parameters = controllerStart(shape, random('controller', 'start'))
    let controller: Controller = { parameters, adam: adamStart(parameters) }
    let baseline: number | undefined
    const draw = (...path: readonly (string | number)[]): Genotype =>
      space.encoding.decode(sampleController(shape, controller.parameters, random(...path)).decisions)
    let answer = draw('candidate', -1, 0)
    return {
      epochs: protocol.epochs,
      async epoch(index) {
        const trained = await trainOnPaths(context, supernet, index, (step) => draw('path', step))
        const learnt = await trainController(context, supernet, shape, controller, baseline, index, chosen)
        controller = learnt.controller
        baseline = learnt.baseline
        const ranking = { ...chosen, perEpoch: Math.min(RANKED_PER_EPOCH, chosen.candidates), mode: 'eval' } as const
        const { genotype, ...valid } = await rank(context, supernet, index, ranking, (n) => draw('candidate', index, n))
        answer = genotype
        return { ...trained, ...valid, extra: { baseline } }
      },
      genotype: () => answer,
      save: async () => ({
        network: await supernet.executable.save(),
        controller,
        ...(baseline !== undefined && { baseline }),
        answer: space.format(answer),
      }),
      restore(state) {
        supernet.executable.restore(state.network as ExecutableState)
        controller = state.controller as Controller
        baseline = state.baseline as number | undefined
        answer = space.parse(state.answer as string)
      },
      dispose: () => supernet.dispose(),
    }
  },
})

/**
 * ENAS (Pham, Guan, Zoph, Le, Dean: "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018). An LSTM
 * controller draws architectures. Each epoch first trains the shared weights on its draws, then the controller, by
 * REINFORCE on their validation accuracy with the shared weights (§2.2):
 *
 *     ascend  mean over a step's samples of (R − b) · log π(sample),   R = accuracy + entropy weight · entropy,
 *     b ← b + (1 − decay)(R − b), this R included, from 0
 *
 * The entropy counts as reward and is not differentiated. The accuracy, in [0, 1], is that of one batch of the
 * architecture half, the next for each sample. At the end candidates drawn from the controller are ranked by the shared
 * weights. Settings of the controller are NAS-Bench-201's (ENAS.config), whatever the protocol says of α (NATS-Bench's code
 * differs in Adam's β₁, 0.5); unlike there, each gate has one bias.
 */
import { z } from 'zod'
import { defineAlgorithm, type SearchContext } from '../core/algorithm.ts'
import type { ExecutableState } from '../core/executor.ts'
import { type Matrix, map, zip } from '../core/mixing.ts'
import type { Genotype } from '../core/space.ts'
import type { Supernet } from '../core/supernet.ts'
import { type AdamState, adam, adamStart } from './adam.ts'
import {
  type ControllerSample,
  type ControllerShape,
  controllerStart,
  logProbabilityGradient,
  sampleController,
} from './enas/controller.ts'
import { count, decay, real } from './options.ts'
import { alone, rank, rankingOptions, trainOnPaths } from './supernet/sharedWeights.ts'

const options = z.strictObject({
  controllerSteps: count(50, 'controller steps an epoch (NAS-Bench-201, ENAS.config)'),
  samplesPerStep: count(20, 'architectures a controller step averages over (NAS-Bench-201, ENAS.config)'),
  learningRate: real(0.001, "Adam's rate on the controller, with betas 0, 0.999 and ε 0.001 (ENAS.config)", 0),
  entropyWeight: real(1e-4, 'weight of the entropy in the reward (ENAS.config)', 0),
  baselineDecay: decay(0.99, 'decay of the average that rewards are compared with (ENAS.config)'),
  clipNorm: real(5, 'largest norm of the controller’s gradient (ENAS.config)', 0),
  ...rankingOptions,
})

type Options = z.infer<typeof options>

interface Controller {
  readonly parameters: Matrix
  readonly adam: AdamState
  readonly baseline: number
}

const shapeOf = (cardinalities: readonly number[]): ControllerShape => ({
  cardinalities,
  size: 32,
  layers: 2,
  temperature: 5,
  tanhConstant: 2.5,
})

/** One REINFORCE step. @param samples with the reward of each, in the order of drawing */
export function controllerStep(
  shape: ControllerShape,
  { parameters, adam: state, baseline }: Controller,
  samples: readonly { readonly sample: ControllerSample; readonly reward: number }[],
  { learningRate, baselineDecay, clipNorm }: Pick<Options, 'learningRate' | 'baselineDecay' | 'clipNorm'>,
): Controller {
  let average = baseline
  let gradient = map(parameters, () => 0)
  for (const { sample, reward } of samples) {
    average += (1 - baselineDecay) * (reward - average)
    const weight = (average - reward) / samples.length
    gradient = zip(gradient, logProbabilityGradient(shape, parameters, sample), (sum, g) => sum + weight * g)
  }
  const settings = { learningRate, adamBetas: [0, 0.999], epsilon: 1e-3, weightDecay: 0, clipNorm } as const
  const moved = adam(parameters, gradient, state, settings)
  return { parameters: moved.parameters, adam: moved.state, baseline: average }
}

/** The controller's part of an epoch. */
async function trainController(
  context: SearchContext,
  supernet: Supernet,
  shape: ControllerShape,
  start: Controller,
  epoch: number,
  options: Options,
): Promise<Controller> {
  const { architecture } = await context.data()
  let controller = start
  for (let step = epoch * options.controllerSteps; step < (epoch + 1) * options.controllerSteps; step++) {
    const samples = []
    for (let n = 0; n < options.samplesPerStep; n++) {
      const sample = sampleController(shape, controller.parameters, context.random('controller', step, n))
      const batch = await architecture.batch(step * options.samplesPerStep + n)
      const genotype = context.space.encoding.decode(sample.decisions)
      const { correct, samples: size } = await supernet.evaluate([batch], alone(context.space, genotype))
      samples.push({ sample, reward: correct / size + options.entropyWeight * sample.entropy })
    }
    controller = controllerStep(shape, controller, samples, options)
  }
  return controller
}

export const enas = defineAlgorithm({
  name: 'enas',
  version: 1,
  description: 'An LSTM controller samples architectures with shared weights and learns by REINFORCE',
  source: 'Pham et al., "Efficient Neural Architecture Search via Parameter Sharing", ICML 2018',
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
    let controller: Controller = { parameters, adam: adamStart(parameters), baseline: 0 }
    const draw = (...path: readonly (string | number)[]): Genotype =>
      space.encoding.decode(sampleController(shape, controller.parameters, random(...path)).decisions)
    let answer = draw('candidate', -1, 0)
    return {
      epochs: protocol.epochs,
      async epoch(index) {
        const trained = await trainOnPaths(context, supernet, index, (step) => draw('path', step))
        controller = await trainController(context, supernet, shape, controller, index, chosen)
        const { genotype, ...valid } = await rank(context, supernet, index, chosen, (n) => draw('candidate', index, n))
        answer = genotype
        return { ...trained, ...valid, extra: { baseline: controller.baseline } }
      },
      genotype: () => answer,
      save: async () => ({ network: await supernet.executable.save(), controller, answer: space.format(answer) }),
      restore(state) {
        supernet.executable.restore(state.network as ExecutableState)
        controller = state.controller as Controller
        answer = space.parse(state.answer as string)
      },
      dispose: () => supernet.dispose(),
    }
  },
})

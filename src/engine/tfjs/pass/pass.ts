/** Runs one batch through a network on TensorFlow.js: the forward pass, the loss, and the backward pass. */
import * as tf from '@tensorflow/tfjs-core'
import type { Feed, Mode, Objective } from '../../../core/executor.ts'
import { type Head, type Network, sizeOf, type ValueId } from '../../../core/network.ts'
import { rootsOf } from '../../graph/graph.ts'
import { drawNoise } from '../../plan/runInputs.ts'
import type { Context } from '../rules/rule.ts'
import { ownMasks, type ParameterViews, type RunningStatistics } from '../state.ts'
import { type PassGradients, runBackward, runForward, type Trace } from './interpreter.ts'
import { countCorrect, score, scoreObserved } from './objective.ts'
import { type Plan, type PlanRequest, planPass } from './plan.ts'

/** Which gradients a pass computes: of the mixing coefficients, of the network weights, of observed activations. */
export interface GradientWants {
  readonly coefficients: boolean
  readonly weights: boolean
  readonly observed: boolean
}

const NO_GRADIENTS: GradientWants = { coefficients: false, weights: false, observed: false }

/** An observed activation and its gradient, [batch, height, width, channels]. */
export interface ObservedTensors {
  readonly value: tf.Tensor
  readonly gradient: tf.Tensor
}

/**
 * Runs the passes of one network. All methods are synchronous; the tensors that they return live as long as the
 * enclosing `tf.tidy`.
 */
export class Pass {
  readonly #network: Network
  readonly #parameters: ParameterViews
  readonly #statistics: RunningStatistics
  /** The plans of passes with all paths active, by the gradients that they compute. */
  readonly #plans = new Map<string, Plan>()

  constructor(network: Network, parameters: ParameterViews, statistics: RunningStatistics) {
    this.#network = network
    this.#parameters = parameters
    this.#statistics = statistics
  }

  /** Runs a forward pass and returns some of its values. @param roots ids of the wanted values, such as logits */
  values(feed: Feed, mode: Mode, roots: readonly ValueId[]): tf.Tensor[] {
    const { trace } = this.#forward(feed, mode, NO_GRADIENTS)
    return roots.map(trace.value)
  }

  /** Runs a forward pass and returns [mean loss, number correct, number top-5 correct] of the batch. */
  scores(feed: Feed, objective: Objective, mode: Mode): tf.Tensor1D {
    return this.#score(feed, objective, this.#forward(feed, mode, NO_GRADIENTS).trace).scores
  }

  /**
   * Runs a forward and a backward pass. Returns [mean loss, number correct, number top-5 correct] of the batch, and the
   * wanted gradients.
   */
  differentiate(feed: Feed, objective: Objective, wants: GradientWants, mode: Mode) {
    const { context, trace } = this.#forward(feed, mode, wants)
    const { scores, cotangents } = this.#score(feed, objective, trace)
    const { observed = [] } = this.#network
    const wanted = wants.observed ? observed : []
    const values = wanted.map((id) => tf.clone(trace.value(id)))
    for (const id of rootsOf(this.#network)) trace.release(id)
    const gradients = runBackward(this.#network, trace, context, cotangents, wanted)
    const pairs = wanted.map((id, i): ObservedTensors => {
      return { value: values[i], gradient: gradients.observed.get(id) ?? tf.zerosLike(values[i]) }
    })
    return { scores, gradients, observed: pairs }
  }

  /**
   * Returns the gradients of all network parameters as one vector, with zeros for parameters that the pass did not
   * read.
   */
  flatten({ parameters }: PassGradients): tf.Tensor1D {
    const parts = this.#network.parameters.map(({ shape }, id) => {
      const gradient = parameters.get(id)
      return gradient === undefined ? tf.zeros([sizeOf(shape)]) : tf.reshape(gradient, [-1])
    })
    return tf.concat(parts as tf.Tensor1D[])
  }

  #forward(feed: Feed, mode: Mode, wants: GradientWants): { context: Context; trace: Trace } {
    const { height, width, channels } = this.#network.values[0]
    const { images, size } = feed.batch
    const context = createContext(this.#network, feed, mode, this.#parameters, this.#statistics)
    const input = tf.tensor4d(images, [size, height, width, channels])
    const trace = runForward(this.#plan({ active: feed.active, ...wants }), context, input)
    this.#statistics.update(trace.moments)
    return { context, trace }
  }

  #score(feed: Feed, objective: Objective, trace: Trace) {
    const { heads, classes } = this.#network
    const logits = (head: Head) => tf.reshape(trace.value(head.logits), [feed.batch.size, classes])
    const { loss, cotangents } =
      objective.kind === 'observed'
        ? scoreObserved(this.#network, feed.batch, objective, trace.value)
        : score(this.#network, feed.batch, objective, logits)
    const counts = countCorrect(feed.batch, classes, logits(heads[0]))
    return { scores: tf.concat([tf.reshape(loss, [1]) as tf.Tensor1D, counts]), cotangents }
  }

  #plan(request: PlanRequest): Plan {
    if (request.active) return planPass(this.#network, request)
    const key = `${request.coefficients} ${request.weights} ${request.observed}`
    const plan = this.#plans.get(key) ?? planPass(this.#network, request)
    this.#plans.set(key, plan)
    return plan
  }
}

/** Returns the data that the layer rules read during one pass, such as parameters and mixing coefficients. */
export function createContext(
  network: Network,
  feed: Feed,
  mode: Mode,
  parameters: ParameterViews,
  statistics: RunningStatistics,
): Context {
  const { coefficients, active, pathScales, activationMasks } = feed
  const batchSize = feed.batch.size
  const scalars = Array.from(coefficients ?? [], (value) => tf.scalar(value))
  return {
    mode,
    batchSize,
    values: network.values,
    active,
    parameter: (id) => parameters.at(id),
    coefficient: (id) => scalars[id],
    statistics: (index) => statistics.moments(index),
    pathScale: (path) => {
      const scales = pathScales?.slice(path * batchSize, (path + 1) * batchSize)
      return scales ? tf.tensor4d(scales, [batchSize, 1, 1, 1]) : tf.scalar(1)
    },
    noise: (site, output) => {
      const shape = network.values[output]
      const { height, width, channels } = shape
      return tf.tensor4d(drawNoise(feed.batch, site, shape), [batchSize, height, width, channels])
    },
    activationMasks: activationMasks && ownMasks(activationMasks),
  }
}

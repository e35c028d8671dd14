/**
 * A network compiled for TensorFlow.js. Every method runs its TensorFlow.js kernels synchronously; only reading results
 * back from the backend is awaited.
 */
import * as tf from '@tensorflow/tfjs-core'
import type {
  Activations,
  Executable,
  ExecutableState,
  Feed,
  GradientRequest,
  GradientResult,
  Mode,
  Objective,
  ObservedActivation,
  SgdStep,
  Tally,
} from '../../core/executor.ts'
import { type Network, parameterCount } from '../../core/network.ts'
import { checkFeed, checkState, withAllPaths } from '../plan/executable.ts'
import { type ObservedTensors, Pass } from './pass/pass.ts'
import {
  type OnBackend,
  ownVector,
  ParameterViews,
  RecordedMasks,
  RunningStatistics,
  RunningTally,
  sgd,
  TensorVector,
} from './state.ts'

/** A network compiled by the TensorFlow.js executor, ready to train and evaluate. */
export class TfjsExecutable implements Executable {
  readonly network: Network
  readonly weights: TensorVector
  readonly momentum: TensorVector
  readonly #on: OnBackend
  readonly #batchSize: number
  /** The gradient of the network weights that the last SGD step computed. */
  readonly #gradient: TensorVector
  readonly #parameters: ParameterViews
  readonly #statistics: RunningStatistics
  readonly #tally: RunningTally
  readonly #pass: Pass

  constructor(network: Network, batchSize: number, on: OnBackend) {
    this.network = network
    this.#on = on
    this.#batchSize = batchSize
    this.weights = this.vector()
    this.momentum = this.vector()
    this.#gradient = this.vector()
    this.#parameters = new ParameterViews(network, this.weights)
    this.#statistics = new RunningStatistics(network, on)
    this.#tally = new RunningTally(on)
    this.#pass = new Pass(network, this.#parameters, this.#statistics)
  }

  vector(): TensorVector {
    return new TensorVector(this.#on, parameterCount(this.network))
  }

  async gradient(feed: Feed, objective: Objective, want: GradientRequest, mode: Mode): Promise<GradientResult> {
    this.#check(feed, objective)
    const wants = {
      coefficients: want.coefficients ?? false,
      weights: want.weights !== undefined,
      observed: want.observed ?? false,
    }
    const { numbers, ids, observed } = this.#on(() => {
      const { scores, gradients, observed } = this.#pass.differentiate(feed, objective, wants, mode)
      if (want.weights) ownVector(want.weights).set(() => this.#pass.flatten(gradients))
      const terms = gradients.coefficients.map(({ value }) => tf.reshape(value, [1]))
      const ids = gradients.coefficients.map(({ id }) => id)
      return { numbers: tf.concat([scores, ...(terms as tf.Tensor1D[])]), ids, observed }
    })
    const [loss, correct, correct5, ...terms] = await numbers.data()
    numbers.dispose()
    const tally = { loss, correct, correct5, samples: feed.batch.size }
    const result = { ...tally, ...(wants.observed && { observed: await read(observed) }) }
    return wants.coefficients ? { ...result, coefficients: this.#gathered(ids, terms) } : result
  }

  async step(feed: Feed, objective: Objective, step: SgdStep): Promise<void> {
    this.#check(feed, objective)
    this.#on(() => {
      const wants = { coefficients: false, weights: true, observed: false }
      const { scores, gradients } = this.#pass.differentiate(feed, objective, wants, 'train')
      this.#gradient.set(() => this.#pass.flatten(gradients))
      sgd(this.weights, this.momentum, this.#gradient, step)
      this.#tally.add(scores, feed.batch.size)
    })
  }

  takeTally(): Promise<Tally> {
    return this.#tally.take()
  }

  async evaluate(feeds: Iterable<Feed> | AsyncIterable<Feed>, mode: Mode): Promise<Tally> {
    const tally = new RunningTally(this.#on)
    for await (const feed of feeds) {
      this.#check(feed)
      this.#on(() => tally.add(this.#pass.scores(feed, { kind: 'cross-entropy' }, mode), feed.batch.size))
    }
    const total = await tally.take()
    tally.dispose()
    return total
  }

  async forward(feed: Feed, mode: Mode): Promise<Activations> {
    this.#check(feed)
    const { heads, features, observed = [] } = this.network
    const values = this.#on(() => this.#pass.values(feed, mode, [heads[0].logits, features, ...observed]))
    const [logits, activations, ...others] = await Promise.all(values.map((value) => value.data<'float32'>()))
    tf.dispose(values)
    return { logits, features: activations, observed: others }
  }

  activationMasks(feed: Feed): RecordedMasks {
    this.#check(feed)
    const activationMasks = new RecordedMasks(this.#on)
    this.#on(
      () => void this.#pass.scores({ ...withAllPaths(feed), activationMasks }, { kind: 'cross-entropy' }, 'probe'),
    )
    return activationMasks
  }

  async save(): Promise<ExecutableState> {
    const [weights, momentum, statistics] = await Promise.all([
      this.weights.read(),
      this.momentum.read(),
      this.#statistics.flat.read(),
    ])
    return { weights, momentum, statistics }
  }

  restore(state: ExecutableState): void {
    checkState(this.network, state)
    this.weights.write(state.weights)
    this.momentum.write(state.momentum)
    this.#statistics.flat.write(state.statistics)
  }

  dispose(): void {
    const owned = [this.weights, this.momentum, this.#gradient, this.#parameters, this.#statistics.flat, this.#tally]
    for (const part of owned) part.dispose()
  }

  #check(feed: Feed, objective?: Objective): void {
    checkFeed(this.network, this.#batchSize, feed, objective)
  }

  /**
   * Returns ∂L/∂c of every mixing coefficient c: for each the sum, in double precision, over all `mix` terms in which
   * it appears.
   */
  #gathered(ids: readonly number[], terms: readonly number[]): Float64Array {
    const gradient = new Float64Array(this.network.coefficientCount)
    ids.forEach((id, i) => {
      gradient[id] += terms[i]
    })
    return gradient
  }
}

/** Copies observed activations and their gradients to the host, and frees them on the backend. */
function read(observed: readonly ObservedTensors[]): Promise<ObservedActivation[]> {
  return Promise.all(
    observed.map(async ({ value, gradient }) => {
      const [values, gradients] = await Promise.all([value.data<'float32'>(), gradient.data<'float32'>()])
      tf.dispose([value, gradient])
      return { value: values, gradient: gradients }
    }),
  )
}

/**
 * Code that the compiled networks of all backends share: checks of their arguments, initial running statistics,
 * wrappers of a compiled network, and sums of losses over batches.
 */
import { BenchError } from '../../core/errors.ts'
import type { Executable, ExecutableState, Feed, Objective, Tally } from '../../core/executor.ts'
import { type Network, parameterCount, type Value } from '../../core/network.ts'
import { pluralize } from '../../core/plainText.ts'

/**
 * Checks that a feed (a batch, with mixing coefficients and active paths) fits the compiled network.
 *
 * @throws BenchError `bad-input` that names the part of the feed with a wrong length, or a label outside the classes
 */
export function checkFeed(network: Network, batchSize: number, feed: Feed, objective?: Objective): void {
  const { batch, coefficients, active, pathScales } = feed
  const { height, width, channels } = network.values[0]
  const count = network.coefficientCount
  if (batch.size < 1 || batch.size > batchSize) {
    throw new BenchError(
      'bad-input',
      `a batch of ${pluralize(batch.size, 'sample')}; ${network.name} was compiled for 1 to ${batchSize}`,
    )
  }
  expectLength('images', batch.images.length, batch.size * height * width * channels)
  expectLength('labels', batch.labels.length, batch.size)
  if (count > 0) expectLength('coefficients', coefficients?.length ?? 0, count)
  if (active) expectLength('active', active.length, count)
  if (pathScales) expectLength('pathScales', pathScales.length, network.pathCount * batch.size)
  if (objective?.kind === 'logits') {
    expectLength('cotangent', objective.cotangent.length, batch.size * network.classes)
  }
  if (objective?.kind === 'cross-entropy' && objective.classWeights !== undefined) {
    expectLength('classWeights', objective.classWeights.length, network.classes)
  }
  if (objective?.kind === 'observed') {
    const { observed = [], values } = network
    expectLength('cotangents', objective.cotangents.length, observed.length)
    observed.forEach((id, i) => {
      expectLength(`cotangent ${i}`, objective.cotangents[i].length, batch.size * entriesOf(values[id]))
    })
  }
  checkLabels(network, feed)

  function expectLength(what: string, found: number, expected: number): void {
    if (found === expected) return
    throw new BenchError(
      'bad-input',
      `${network.name}: ${what} has ${pluralize(found, 'entry', 'entries')}, expected ${expected}`,
    )
  }
}

const entriesOf = ({ height, width, channels }: Value): number => height * width * channels

/**
 * Checks that every executor can return the network's observed activations and their gradients. Outputs of ReLUs and
 * logits are refused: a static executor computes a ReLU inside the convolutions that read it, and the loss writes the
 * gradients of logits.
 * @throws BenchError `bad-input`
 */
export function checkObserved({ name, observed = [], values, heads, layers }: Network): void {
  const fail = (id: number, why: string) => {
    throw new BenchError('bad-input', `${name}: value ${id} cannot be observed: ${why}`)
  }
  const rectified = new Set(layers.filter(({ kind }) => kind === 'relu').map(({ output }) => output))
  observed.forEach((id, i) => {
    if (values[id] === undefined) fail(id, `the network has the values 0 to ${values.length - 1}`)
    if (observed.indexOf(id) !== i) fail(id, 'it is listed twice')
    if (rectified.has(id)) fail(id, 'it is the output of a ReLU; observe the input of the ReLU')
    if (heads.some(({ logits }) => logits === id)) fail(id, 'it holds logits, which `forward` returns')
  })
}

/** Returns Σ cotangent·value over the observed activations: the objective of kind `observed`. */
export function observedObjective(cotangents: readonly Float32Array[], values: readonly Float32Array[]): number {
  let sum = 0
  cotangents.forEach((cotangent, i) => {
    const value = values[i]
    for (let at = 0; at < cotangent.length; at++) sum += cotangent[at] * value[at]
  })
  return sum
}

/** Checks that every label of a batch is one of the network's classes. @throws BenchError `bad-input` */
function checkLabels({ classes }: Network, { batch }: Feed): void {
  const sample = batch.labels.findIndex((label) => !(label >= 0 && label < classes))
  if (sample < 0) return
  const label = batch.labels[sample]
  throw new BenchError(
    'bad-input',
    `sample ${sample} has label ${label}, but the network has ${pluralize(classes, 'class', 'classes')}`,
  )
}

/**
 * Returns the feed with all paths active, and with coefficient 0 on the paths that were switched off. The outputs of
 * the network are the same, but every path is computed.
 */
export function withAllPaths({ active, ...feed }: Feed): Feed {
  const { coefficients } = feed
  if (active === undefined || coefficients === undefined) return feed
  return { ...feed, coefficients: coefficients.map((value, i) => (active[i] === 0 ? 0 : value)) }
}

/**
 * Returns the running statistics of an untrained network: for each batch norm that keeps them, means of 0, then
 * variances of 1.
 */
export function initialStatistics({ statistics }: Network): Float32Array {
  return Float32Array.from(
    statistics.flatMap((channels) => Array.from({ length: 2 * channels }, (_, i) => (i < channels ? 0 : 1))),
  )
}

/**
 * Checks that a saved state (weights, momentum, running statistics) fits the network, before any part of it is
 * restored.
 *
 * @throws BenchError `bad-input` that names the part of the state with a wrong length
 */
export function checkState(network: Network, { weights, momentum, statistics }: ExecutableState): void {
  const length = parameterCount(network)
  const expected = {
    weights: length,
    momentum: length,
    'running statistics': 2 * network.statistics.reduce((sum, channels) => sum + channels, 0),
  }
  const found = { weights, momentum, 'running statistics': statistics }
  for (const part of ['weights', 'momentum', 'running statistics'] as const) {
    if (found[part].length === expected[part]) continue
    const counts = `${found[part].length} ${part}, expected ${expected[part]}`
    throw new BenchError('bad-input', `the state is not one of ${network.name}: it has ${counts}`)
  }
}

/** Returns a compiled network with some of its members replaced; all other members are those of the given one. */
export function withOverrides(executable: Executable, overrides: Partial<Executable>): Executable {
  return new Proxy(executable, {
    get(target, property) {
      if (Object.hasOwn(overrides, property)) return Reflect.get(overrides, property)
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** Returns the weight of each class in a cross-entropy; 1 for every class of an objective without class weights. */
export const classWeightsOf = (
  { classWeights }: Extract<Objective, { readonly kind: 'cross-entropy' }>,
  { classes }: Pick<Network, 'classes'>,
): readonly number[] => classWeights ?? new Array<number>(classes).fill(1)

/**
 * Returns a wrapper of a compiled network that forwards every call until `dispose`. Any later call throws a
 * `BenchError` with code `bad-input`, because the memory may already belong to another network. `dispose` may be called
 * again.
 */
export function untilDisposed(executable: Executable): Executable {
  let isDisposed = false
  const dispose = () => {
    if (!isDisposed) executable.dispose()
    isDisposed = true
  }
  const check = (used: string) => {
    if (!isDisposed) return
    throw new BenchError('bad-input', `${used} of ${executable.network.name} was used after dispose; compile it again`)
  }
  const evaluate: Executable['evaluate'] = (feeds, mode) => executable.evaluate(checkedEach(feeds, check), mode)
  return new Proxy(executable, {
    get(target, property) {
      if (property === 'dispose') return dispose
      if (property in target) check(String(property))
      if (property === 'evaluate') return evaluate
      const value: unknown = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/**
 * Yields the feeds one by one, and calls `check` before each, because code that runs between two batches may dispose of
 * the compiled network.
 */
async function* checkedEach(
  feeds: Iterable<Feed> | AsyncIterable<Feed>,
  check: (used: string) => void,
): AsyncGenerator<Feed> {
  for await (const feed of feeds) {
    check('evaluate')
    yield feed
  }
  check('evaluate')
}

/** Adds up the losses and correct predictions of several batches. */
export class TallySum {
  #loss = 0
  #correct = 0
  #correct5 = 0
  #samples = 0

  /** Adds the loss and the correct predictions of one batch. */
  add({ loss, correct, correct5, samples }: Tally): void {
    this.#loss += loss * samples
    this.#correct += correct
    this.#correct5 += correct5
    this.#samples += samples
  }

  /**
   * Returns mean loss and correct predictions of all batches added since the last call; without any batch, the loss is
   * NaN.
   */
  take(): Tally {
    const tally = {
      loss: this.#loss / this.#samples,
      correct: this.#correct,
      correct5: this.#correct5,
      samples: this.#samples,
    }
    this.#loss = this.#correct = this.#correct5 = this.#samples = 0
    return tally
  }
}

/**
 * Builds a `Network` layer by layer; every method returns the id of its output. A layer without parameters is created
 * once for each input, so that edges that leave the same node of a cell share its ReLU and its poolings.
 */
import { BenchError } from './errors.ts'
import type {
  CoefficientId,
  Head,
  Initialiser,
  Layer,
  Network,
  Parameter,
  ParameterId,
  Value,
  ValueId,
  Window,
} from './network.ts'

/** Variants of a batch normalisation: whether it learns scale and shift, and whether it keeps running statistics. */
export interface BatchNormOptions {
  /** Whether the batch normalisation learns a scale and a shift. */
  readonly affine: boolean
  /** Whether the batch normalisation keeps running statistics and uses them in evaluation. */
  readonly track: boolean
}

export class NetworkBuilder {
  readonly #values: Value[] = []
  readonly #layers: Layer[] = []
  readonly #parameters: Parameter[] = []
  readonly #statistics: number[] = []
  readonly #written = new Map<string, ValueId>()
  #coefficientCount = 0
  #pathCount = 0
  #noiseCount = 0

  /**
   * Begins a network with its input, which becomes value 0.
   * @param input shape of the image batch: height and width in pixels, channels (3 for colour)
   */
  constructor(input: Value) {
    this.#values.push(input)
  }

  /** Id of the network's input, the image batch. */
  readonly input: ValueId = 0

  value(id: ValueId): Value {
    return this.#values[id]
  }

  conv(input: ValueId, channels: number, window: Partial<Window> & { kernel: number }, name: string): ValueId {
    const full = { stride: 1, padding: 0, dilation: 1, ...window }
    const { kernel } = full
    const inChannels = this.value(input).channels
    const filter = this.#parameter(`${name}.weight`, [kernel, kernel, inChannels, channels], {
      kind: 'uniform-fan-in',
      fanIn: inChannels * kernel * kernel,
    })
    const output = this.#value({ ...this.#slide(input, full, name), channels })
    this.#layers.push({ kind: 'conv', input, output, window: full, filter })
    return output
  }

  depthwiseConv(input: ValueId, window: Partial<Window> & { kernel: number }, name: string): ValueId {
    const full = { stride: 1, padding: 0, dilation: 1, ...window }
    const { kernel } = full
    const { channels } = this.value(input)
    const filter = this.#parameter(`${name}.weight`, [kernel, kernel, channels], {
      kind: 'uniform-fan-in',
      fanIn: kernel * kernel,
    })
    const output = this.#value({ ...this.#slide(input, full, name), channels })
    this.#layers.push({ kind: 'depthwiseConv', input, output, window: full, filter })
    return output
  }

  batchNorm(input: ValueId, options: BatchNormOptions, name: string): ValueId {
    if (!options.affine)
      return this.#once(['batchNorm', input, options.track], () => this.#batchNorm(input, null, options))
    const shape = [this.value(input).channels]
    const scale = this.#parameter(`${name}.weight`, shape, { kind: 'constant', value: 1 })
    const shift = this.#parameter(`${name}.bias`, shape, { kind: 'constant', value: 0 })
    return this.#batchNorm(input, { scale, shift }, options)
  }

  relu(input: ValueId): ValueId {
    return this.#once(['relu', input], () => {
      const output = this.#value(this.value(input))
      this.#layers.push({ kind: 'relu', input, output })
      return output
    })
  }

  pool(kind: 'avgPool' | 'maxPool', input: ValueId, window: Partial<Window> & { kernel: number }): ValueId {
    const full = { stride: 1, padding: 0, dilation: 1, ...window }
    return this.#once([kind, input, full.kernel, full.stride, full.padding, full.dilation], () => {
      const output = this.#value({ ...this.#slide(input, full, kind), channels: this.value(input).channels })
      this.#layers.push({ kind, input, output, window: full })
      return output
    })
  }

  globalMean(input: ValueId): ValueId {
    const output = this.#value({ height: 1, width: 1, channels: this.value(input).channels })
    this.#layers.push({ kind: 'globalMean', input, output })
    return output
  }

  linear(input: ValueId, features: number, name: string): ValueId {
    const { height, width, channels } = this.value(input)
    const fanIn = height * width * channels
    const weight = this.#parameter(`${name}.weight`, [fanIn, features], { kind: 'uniform-fan-in', fanIn })
    const bias = this.#parameter(`${name}.bias`, [features], { kind: 'uniform-fan-in', fanIn })
    const output = this.#value({ height: 1, width: 1, channels: features })
    this.#layers.push({ kind: 'linear', input, output, weight, bias })
    return output
  }

  /**
   * Adds a classifier and returns its logits: hidden linear layers, each followed by a ReLU, and a last linear layer.
   * @param hidden numbers of channels of the hidden layers
   * @param name name of the parameters: `NAME.weight` without hidden layers, else `NAME.fc1.weight` and so on
   */
  classifier(input: ValueId, classes: number, hidden: readonly number[] = [], name = 'classifier'): ValueId {
    if (hidden.length === 0) return this.linear(input, classes, name)
    let x = input
    for (const [i, width] of hidden.entries()) x = this.relu(this.linear(x, width, `${name}.fc${i + 1}`))
    return this.linear(x, classes, `${name}.fc${hidden.length + 1}`)
  }

  /** Drops the first `rows` rows and the first `rows` columns of an image: x[:, rows:, rows:, :]. */
  crop(input: ValueId, rows: number): ValueId {
    return this.#once(['crop', input, rows], () => {
      const { height, width, channels } = this.value(input)
      const output = this.#value({ height: height - rows, width: width - rows, channels })
      this.#layers.push({ kind: 'crop', input, output, rows })
      return output
    })
  }

  slice(input: ValueId, from: number, count: number): ValueId {
    return this.#once(['slice', input, from, count], () => {
      const output = this.#value({ ...this.value(input), channels: count })
      this.#layers.push({ kind: 'slice', input, output, from, count })
      return output
    })
  }

  shuffle(input: ValueId, groups: number): ValueId {
    const output = this.#value(this.value(input))
    this.#layers.push({ kind: 'shuffle', input, output, groups })
    return output
  }

  dropPath(input: ValueId): ValueId {
    const output = this.#value(this.value(input))
    this.#layers.push({ kind: 'dropPath', input, output, path: this.#pathCount++ })
    return output
  }

  noise(shape: Value): ValueId {
    const output = this.#value(shape)
    this.#layers.push({ kind: 'noise', site: this.#noiseCount++, output })
    return output
  }

  zeros(shape: Value): ValueId {
    const output = this.#value(shape)
    this.#layers.push({ kind: 'zeros', output })
    return output
  }

  /**
   * Returns the sum of values of equal shape; of a single value, that value itself.
   * @throws BenchError `bad-input` if there are no values or their shapes differ
   */
  sum(inputs: readonly ValueId[]): ValueId {
    if (inputs.length === 1) return inputs[0]
    const output = this.#value(this.value(inputs[0]))
    this.#expectAlike('sum', inputs, this.value(inputs[0]))
    this.#layers.push({ kind: 'sum', inputs, output })
    return output
  }

  concat(inputs: readonly ValueId[]): ValueId {
    if (inputs.length === 1) return inputs[0]
    const channels = inputs.reduce((sum, id) => sum + this.value(id).channels, 0)
    const output = this.#value({ ...this.value(inputs[0]), channels })
    this.#expectAlike('concatenation', inputs, this.value(inputs[0]))
    this.#layers.push({ kind: 'concat', inputs, output })
    return output
  }

  /** Adds a mixed sum Σ coefficients[i]·inputs[i]; null inputs are zeros of `shape`. */
  mix(inputs: readonly (ValueId | null)[], coefficients: readonly CoefficientId[], shape: Value): ValueId {
    const output = this.#value(shape)
    this.#expectAlike(
      'mix',
      inputs.filter((input) => input !== null),
      shape,
    )
    this.#coefficientCount = Math.max(this.#coefficientCount, ...coefficients.map((id) => id + 1))
    this.#layers.push({ kind: 'mix', inputs, coefficients, output })
    return output
  }

  /**
   * Returns the finished network.
   * @param options.coefficientCount number of mixing coefficients, if the search space has more than this network reads
   */
  build(options: {
    readonly name: string
    readonly heads: readonly Head[]
    readonly features: ValueId
    readonly cells?: readonly ValueId[]
    readonly coefficientCount?: number
  }): Network {
    return {
      name: options.name,
      values: this.#values,
      layers: this.#layers,
      parameters: this.#parameters,
      statistics: this.#statistics,
      heads: options.heads,
      features: options.features,
      ...(options.cells && { cells: options.cells }),
      classes: this.value(options.heads[0].logits).channels,
      coefficientCount: Math.max(options.coefficientCount ?? 0, this.#coefficientCount),
      pathCount: this.#pathCount,
    }
  }

  #once(key: readonly (string | number | boolean)[], write: () => ValueId): ValueId {
    const name = key.join(' ')
    const output = this.#written.get(name) ?? write()
    this.#written.set(name, output)
    return output
  }

  #expectAlike(what: 'sum' | 'concatenation' | 'mix', inputs: readonly ValueId[], shape: Value): void {
    for (const input of inputs) {
      const { height, width, channels } = this.value(input)
      const fits = what === 'concatenation' || channels === shape.channels
      if (fits && height === shape.height && width === shape.width) continue
      const shapes = `${shape.height}×${shape.width}×${shape.channels} and ${height}×${width}×${channels}`
      throw new BenchError(
        'bad-input',
        `${shapes} meet in a ${what}; use images whose height and width every reduction of the network can halve`,
      )
    }
  }

  #batchNorm(
    input: ValueId,
    affine: { readonly scale: ParameterId; readonly shift: ParameterId } | null,
    { track }: BatchNormOptions,
  ): ValueId {
    const statistics = track ? this.#statistics.push(this.value(input).channels) - 1 : null
    const output = this.#value(this.value(input))
    this.#layers.push({ kind: 'batchNorm', input, output, affine, statistics })
    return output
  }

  #value(value: Value): ValueId {
    return this.#values.push({ height: value.height, width: value.width, channels: value.channels }) - 1
  }

  #parameter(name: string, shape: readonly number[], initialiser: Initialiser): ParameterId {
    return this.#parameters.push({ name, shape, initialiser }) - 1
  }

  #slide(input: ValueId, { kernel, stride, padding, dilation }: Window, name: string): Omit<Value, 'channels'> {
    const { height, width } = this.value(input)
    const size = (extent: number) => Math.floor((extent + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1
    const output = { height: size(height), width: size(width) }
    if (output.height < 1 || output.width < 1) {
      throw new BenchError(
        'bad-input',
        `${name}: a ${kernel}×${kernel} window does not fit into ${height}×${width}; use larger images or fewer reductions`,
      )
    }
    return output
  }
}

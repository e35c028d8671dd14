/**
 * The structure of a PyTorch model: a network as a tree of modules, each with its child modules and the lines of its
 * method `forward`. Numbers in which modules of the same structure may differ are left open (as slots) and filled in
 * later.
 *
 * The layers of a network have names of up to three levels, such as `cell0.op3_sep_conv_3x3.dw1`: each level becomes a
 * module.
 */
import type { Layer, Network, ValueId } from '../core/network.ts'
import { moduleOf, normNames } from '../training/namedTensors.ts'
import { flatValues, inexpressible, inferenceLayers, inputsOfLayer } from './deployment.ts'

/** ε of all batch normalisations (`core/network.ts`). */
const EPSILON = '1e-05'

/** A child of a PyTorch module: a layer with parameters, or a module of such layers. */
export interface Child {
  readonly attribute: string
  /**
   * Python expression that constructs the layer, with slots `{0}`, `{1}`, … for its numbers; absent if the child is a
   * module.
   */
  readonly template?: string
  readonly module?: Module
  readonly numbers: readonly Slot[]
}

/** A number in which modules of the same structure may differ. */
export interface Slot {
  readonly kind: 'channels' | 'stride' | 'size'
  readonly value: number
}

/** A PyTorch module under construction: its children, and the lines of its method `forward`. */
export interface Module {
  /** Name from which the class name is made, such as `sep_conv_3x3`. */
  readonly title: string
  readonly children: readonly Child[]
  readonly inputs: readonly ValueId[]
  readonly outputs: readonly ValueId[]
  /** Lines of the method `forward`, with slots `{0}`, `{1}`, … for numbers. */
  readonly lines: readonly string[]
  readonly numbers: readonly Slot[]
  /** Names of the variables that `forward` returns. */
  readonly results: readonly string[]
}

/**
 * Returns whether a layer has no parameters and is cheap, so that its expression is written wherever its output is
 * read.
 */
const isLazy = ({ kind }: Layer): boolean =>
  kind === 'relu' ||
  kind === 'crop' ||
  kind === 'slice' ||
  kind === 'shuffle' ||
  kind === 'avgPool' ||
  kind === 'maxPool'

/**
 * Returns the network as a tree of PyTorch modules.
 * @throws BenchError `unsupported` for noise, mixed operations and batch normalisation without running statistics
 */
export function moduleTree(network: Network): Module {
  const layers = inferenceLayers(network)
  for (const layer of layers) {
    const isUntracked = layer.kind === 'batchNorm' && layer.statistics === null
    if (layer.kind === 'noise' || layer.kind === 'mix' || isUntracked) throw inexpressible(network, layer, 'PyTorch')
  }
  return new Scope(network, layers).module(layers, [], [network.heads[0].logits])
}

/** The layers of a network, with the path of the module to which each belongs. */
class Scope {
  readonly #network: Network
  readonly #norms: ReadonlyMap<number, string>
  readonly #layerOf = new Map<ValueId, Layer>()
  readonly #paths = new Map<Layer, readonly string[]>()
  readonly #flat: ReadonlySet<ValueId>

  constructor(network: Network, layers: readonly Layer[]) {
    this.#network = network
    this.#norms = normNames(network)
    this.#flat = flatValues(layers)
    for (const layer of layers) this.#layerOf.set(layer.output, layer)
    for (const layer of layers) this.#paths.set(layer, this.#pathOf(layer))
    // A sum or concatenation belongs to the innermost module that all its inputs share.
    for (const layer of layers) {
      if (layer.kind !== 'sum' && layer.kind !== 'concat') continue
      const paths = inputsOfLayer(layer).map((input) => this.#sourcePath(input).slice(0, -1))
      const shared = paths.reduce((common, path) => common.filter((part, i) => part === path[i]))
      const latest =
        shared.length > 0 ? shared : paths.reduce((a, b) => (this.#order(a) >= this.#order(b) ? a : b)).slice(0, 1)
      this.#paths.set(layer, [...latest, ''])
    }
  }

  /** Returns the position of the first layer of a block (top-level module), by which blocks are ordered. */
  #order([block]: readonly string[]): number {
    return [...this.#paths.values()].findIndex((path) => path[0] === block)
  }

  /**
   * Returns the attribute names that lead to a layer with parameters, the layer's attribute last; [''] for other
   * layers.
   */
  #pathOf(layer: Layer): readonly string[] {
    const { parameters } = this.#network
    if (layer.kind === 'conv' || layer.kind === 'depthwiseConv')
      return moduleOf(parameters[layer.filter].name).split('.')
    if (layer.kind === 'linear') return moduleOf(parameters[layer.weight].name).split('.')
    if (layer.kind === 'batchNorm') return (this.#norms.get(layer.statistics ?? -1) ?? '').split('.')
    return ['']
  }

  /**
   * Returns the path of the layer that computes a value; for a lazy layer (`isLazy`), of the layer that computes its
   * input. [''] for the network's input.
   */
  #sourcePath(value: ValueId): readonly string[] {
    const layer = this.#layerOf.get(value)
    if (layer === undefined) return ['']
    if (isLazy(layer)) return this.#sourcePath(inputsOfLayer(layer)[0])
    return this.#paths.get(layer) ?? ['']
  }

  /** Returns the value itself or, if a lazy layer (`isLazy`) computes it, the value that the lazy layer reads. */
  #source(value: ValueId): ValueId {
    const layer = this.#layerOf.get(value)
    return layer !== undefined && isLazy(layer) ? this.#source(inputsOfLayer(layer)[0]) : value
  }

  /** Returns the values that these layers read but do not compute, in order. */
  #inputsOf(layers: readonly Layer[]): ValueId[] {
    const own = new Set(layers.map(({ output }) => output))
    const read = layers.filter((layer) => !isLazy(layer)).flatMap((layer) => inputsOfLayer(layer))
    return [...new Set(read.map((value) => this.#source(value)))].filter((value) => !own.has(value))
  }

  /**
   * Builds a PyTorch module of these layers.
   * @param path attribute names of the modules around it
   * @param outputs values of the module that other modules read
   */
  module(layers: readonly Layer[], path: readonly string[], outputs: readonly ValueId[]): Module {
    const depth = path.length
    const inputs = depth === 0 ? [0] : this.#inputsOf(layers)
    const writer = new ForwardWriter(this.#network, this.#layerOf, this.#flat)
    for (const [i, value] of inputs.entries()) writer.name(value, `x${i}`)
    const groups = new Map<string, Layer[]>()
    const items: (readonly Layer[])[] = []
    for (const layer of layers) {
      if (isLazy(layer)) continue
      const own = this.#paths.get(layer) ?? ['']
      const key = own.length > depth + 1 ? own[depth] : undefined
      const group = key === undefined ? undefined : groups.get(key)
      if (group !== undefined) group.push(layer)
      else {
        const started = [layer]
        if (key !== undefined) groups.set(key, started)
        items.push(started)
      }
    }
    const children: Child[] = []
    const pending = [...items]
    while (pending.length > 0) {
      const at = pending.findIndex((item) => this.#inputsOf(item).every((value) => writer.knows(value)))
      const [item] = pending.splice(at < 0 ? 0 : at, 1)
      const own = this.#paths.get(item[0]) ?? ['']
      if (own.length > depth + 1) {
        const inside = new Set(item.map(({ output }) => output))
        const read = new Set(this.#inputsOf([...this.#layerOf.values()].filter((layer) => !inside.has(layer.output))))
        const results = [...inside].filter((value) => read.has(value) || outputs.includes(value))
        const module = this.module(item, own.slice(0, depth + 1), results)
        children.push({ attribute: own[depth], module, numbers: [] })
        writer.call(own[depth], module.inputs, module.outputs)
      } else if (own[depth] !== '') {
        const child = this.#leaf(item[0], own[depth])
        children.push(child)
        writer.layer(item[0], own[depth])
      } else writer.layer(item[0])
    }
    const results = outputs.map((value) => writer.expression(value))
    const title = depth === 0 ? 'Network' : path[depth - 1]
    return { title, children, inputs, outputs, lines: writer.lines, numbers: writer.numbers, results }
  }

  #leaf(layer: Layer, attribute: string): Child {
    const { values, parameters } = this.#network
    const channels = (value: number): Slot => ({ kind: 'channels', value })
    switch (layer.kind) {
      case 'conv':
      case 'depthwiseConv': {
        const { kernel, stride, padding, dilation } = layer.window
        const more = [
          `stride={${layer.kind === 'conv' ? 2 : 1}}`,
          ...(padding > 0 ? [`padding=${padding}`] : []),
          ...(dilation > 1 ? [`dilation=${dilation}`] : []),
          ...(layer.kind === 'depthwiseConv' ? ['groups={0}'] : []),
          'bias=False',
        ].join(', ')
        const step: Slot = { kind: 'stride', value: stride }
        const from = channels(values[layer.input].channels)
        if (layer.kind === 'depthwiseConv') {
          return { attribute, template: `nn.Conv2d({0}, {0}, ${kernel}, ${more})`, numbers: [from, step] }
        }
        const numbers = [from, channels(values[layer.output].channels), step]
        return { attribute, template: `nn.Conv2d({0}, {1}, ${kernel}, ${more})`, numbers }
      }
      case 'batchNorm': {
        const affine = layer.affine === null ? ', affine=False' : ''
        const template = `nn.BatchNorm2d({0}, eps=${EPSILON}${affine})`
        return { attribute, template, numbers: [channels(values[layer.input].channels)] }
      }
      case 'linear': {
        const [inputs, outputs] = parameters[layer.weight].shape
        return { attribute, template: 'nn.Linear({0}, {1})', numbers: [channels(inputs), channels(outputs)] }
      }
      default:
        throw inexpressible(this.#network, layer, 'PyTorch')
    }
  }
}

/** Writes the lines of a module's method `forward`. */
class ForwardWriter {
  readonly lines: string[] = []
  readonly numbers: Slot[] = []
  readonly #network: Network
  readonly #layerOf: ReadonlyMap<ValueId, Layer>
  readonly #flat: ReadonlySet<ValueId>
  readonly #names = new Map<ValueId, string>()
  #count = 0

  constructor(network: Network, layerOf: ReadonlyMap<ValueId, Layer>, flat: ReadonlySet<ValueId>) {
    this.#network = network
    this.#layerOf = layerOf
    this.#flat = flat
  }

  name(value: ValueId, name: string): void {
    this.#names.set(value, name)
  }

  knows(value: ValueId): boolean {
    return this.#names.has(value)
  }

  /** Adds a line that calls a child module. */
  call(attribute: string, inputs: readonly ValueId[], outputs: readonly ValueId[]): void {
    const read = inputs.map((value) => this.expression(value))
    const results = outputs.map((value, i) => {
      const name = outputs.length === 1 ? variable(attribute) : `${variable(attribute)}_${i}`
      this.name(value, name)
      return name
    })
    this.lines.push(`${results.join(', ')} = self.${attribute}(${read.join(', ')})`)
  }

  /** Adds a line that applies a layer. @param attribute attribute of the module that holds a layer with parameters */
  layer(layer: Layer, attribute?: string): void {
    const expression = this.#expressionOf(layer, attribute)
    const kind = layer.kind === 'globalMean' ? 'pooled' : layer.kind
    const name = attribute === undefined ? `${kind}${this.#count++}` : variable(attribute)
    this.lines.push(`${name} = ${expression}`)
    this.name(layer.output, name)
  }

  /** Returns the Python expression of a value, in which the layers of `isLazy` are written out. */
  expression(value: ValueId): string {
    const known = this.#names.get(value)
    if (known !== undefined) return known
    const layer = this.#layerOf.get(value)
    return layer === undefined ? `x${value}` : this.#expressionOf(layer)
  }

  #slot(kind: Slot['kind'], value: number): string {
    return `{${this.numbers.push({ kind, value }) - 1}}`
  }

  #expressionOf(layer: Layer, attribute?: string): string {
    const read = inputsOfLayer(layer).map((value) => this.expression(value))
    const [x] = read
    const { values } = this.#network
    switch (layer.kind) {
      case 'relu':
        return `F.relu(${x})`
      case 'crop':
        return `${x}[:, :, ${layer.rows}:, ${layer.rows}:]`
      case 'slice':
        return `${x}[:, ${this.#slot('channels', layer.from)}:${this.#slot('channels', layer.from + layer.count)}]`
      case 'shuffle':
        return `torch.channel_shuffle(${x}, ${this.#slot('channels', layer.groups)})`
      case 'avgPool': {
        const { kernel, stride, padding } = layer.window
        const options = `stride=${this.#slot('stride', stride)}, padding=${padding}, count_include_pad=False`
        return `F.avg_pool2d(${x}, ${kernel}, ${options})`
      }
      case 'maxPool': {
        const { kernel, stride, padding } = layer.window
        return `F.max_pool2d(${x}, ${kernel}, stride=${this.#slot('stride', stride)}, padding=${padding})`
      }
      case 'globalMean':
        return `${x}.mean((2, 3))`
      case 'sum':
        return read.join(' + ')
      case 'concat':
        return `torch.cat([${read.join(', ')}], 1)`
      case 'zeros': {
        const { height, width, channels } = values[layer.output]
        const extents = [this.#slot('channels', channels), this.#slot('size', height), this.#slot('size', width)]
        return `x0.new_zeros(x0.shape[0], ${extents.join(', ')})`
      }
      case 'linear':
        return `self.${attribute}(${x}${this.#flat.has(layer.input) ? '' : '.flatten(1)'})`
      default:
        return `self.${attribute}(${x})`
    }
  }
}

/** Returns the variable name for the result of a module's attribute: `op3` for `op3_sep_conv_3x3`. */
const variable = (attribute: string): string => {
  const short = /^(op\d+|edge\d+_\d+)_/.exec(attribute)?.[1] ?? attribute
  return /^x\d*$/.test(short) ? `${short}_out` : short
}

/**
 * Writes a network as one Python file with PyTorch modules, which loads its weights from a safetensors file beside it.
 *
 * The layers of a network have names of up to three levels, `cell0.op3_sep_conv_3x3.dw1`: each level becomes a module.
 * Modules with the same structure share a class, whose arguments are the numbers in which they differ: channels and
 * strides. So a network of many cells becomes a file of a few classes.
 */
import type { Layer, Network, ValueId } from '../core/network.ts'
import { moduleOf, normNames } from '../training/namedTensors.ts'
import { type Deployment, flatValues, inexpressible, inferenceLayers, inputsOfLayer } from './deployment.ts'

/** ε of all batch normalisations (`core/network.ts`). */
const EPSILON = '1e-05'

/**
 * Returns the text of a Python file whose `load()` returns the network with its weights.
 * @param weightsFile name of the safetensors file beside the Python file
 * @throws BenchError `unsupported` for a network with a layer that has no form without a search
 */
export function pytorchModule(deployment: Deployment, weightsFile: string): string {
  const { network, input, notes } = deployment
  const classes = new ClassTable()
  const root = moduleTree(network, classes)
  const { mean, std, classNames, height, width } = input
  const tensor = (values: readonly number[]) => `torch.tensor([${values.join(', ')}]).view(1, ${values.length}, 1, 1)`
  return `"""${pythonText(network.name)}, written by nas-bench-harness.

load() returns the network with its weights from ${pythonText(weightsFile)}. It takes RGB images
[batch, 3, ${height}, ${width}] with intensities 0 to 1, normalises them, and returns the logits
[batch, ${classNames.length}] of CLASSES.

Architecture: ${pythonText(notes.genotype ?? '')}
"""
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

CLASSES = ${pythonList(classNames)}


${classes.text()}class Network(nn.Module):
    """The whole network: images [batch, 3, ${height}, ${width}] to logits [batch, ${classNames.length}]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", ${tensor(mean)}, persistent=False)
        self.register_buffer("std", ${tensor(std)}, persistent=False)
${root.children.map((child) => `        self.${child.attribute} = ${classes.construction(child)}\n`).join('')}
    def forward(self, images):
        x0 = (images - self.mean) / self.std
${root.lines.map((line) => `        ${filled(line, root.numbers)}\n`).join('')}        return ${root.results.join(', ')}


def load(weights=None):
    """Returns the network with its weights, ready to classify. weights: path of another safetensors file."""
    path = Path(weights) if weights else Path(__file__).with_name(${JSON.stringify(weightsFile)})
    network = Network()
    network.load_state_dict(load_file(path))
    return network.eval()
`
}

/** A text that is safe within a Python docstring. */
const pythonText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"""', "'''")

/** Returns a Python list of texts; JSON's escapes mean the same in Python. */
function pythonList(texts: readonly string[]): string {
  const quoted = texts.map((text) => JSON.stringify(text))
  const whole = `[${quoted.join(', ')}]`
  return whole.length < 90 ? whole : `[\n${quoted.map((text) => `    ${text},\n`).join('')}]`
}

/** A layer with parameters, or a module of such layers, within the module that contains it. */
interface Child {
  readonly attribute: string
  /** Python expression that constructs a layer, with slots `{0}`, `{1}`, … for its numbers; absent for modules. */
  readonly template?: string
  readonly module?: Module
  readonly numbers: readonly Slot[]
}

/** A number in which modules of the same structure may differ. */
interface Slot {
  readonly kind: 'channels' | 'stride' | 'size'
  readonly value: number
}

/** A PyTorch module under construction: its parts, and the lines of its method `forward`. */
interface Module {
  /** Name from which the name of the class is made, such as `sep_conv_3x3`. */
  readonly title: string
  readonly children: readonly Child[]
  readonly inputs: readonly ValueId[]
  readonly outputs: readonly ValueId[]
  /** Lines of `forward`, with slots for numbers. */
  readonly lines: readonly string[]
  readonly numbers: readonly Slot[]
  /** Names of the variables that `forward` returns. */
  readonly results: readonly string[]
}

const filled = (template: string, numbers: readonly (Slot | string)[]): string =>
  template.replace(/\{(\d+)\}/g, (_, index) => {
    const number = numbers[Number(index)]
    return typeof number === 'string' ? number : String(number.value)
  })

/** Layers that are computed where they are read, because they have no parameters and are cheap. */
const isLazy = ({ kind }: Layer): boolean =>
  kind === 'relu' ||
  kind === 'crop' ||
  kind === 'slice' ||
  kind === 'shuffle' ||
  kind === 'avgPool' ||
  kind === 'maxPool'

/** Returns the network as a tree of modules. Classes of its modules are added to the table. */
function moduleTree(network: Network, classes: ClassTable): Module {
  const layers = inferenceLayers(network)
  for (const layer of layers) {
    const isUntracked = layer.kind === 'batchNorm' && layer.statistics === null
    if (layer.kind === 'noise' || layer.kind === 'mix' || isUntracked) throw inexpressible(network, layer, 'PyTorch')
  }
  const scope = new Scope(network, layers)
  const root = scope.module(layers, [], [network.heads[0].logits])
  classes.register(root)
  return root
}

/** The layers of a network, with the paths of the modules to which they belong. */
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

  /** Position of the first layer of a block, by which blocks are ordered. */
  #order([block]: readonly string[]): number {
    return [...this.#paths.values()].findIndex((path) => path[0] === block)
  }

  /** Returns the path of a layer with a name: the attributes of its modules, and its own last. */
  #pathOf(layer: Layer): readonly string[] {
    const { parameters } = this.#network
    if (layer.kind === 'conv' || layer.kind === 'depthwiseConv')
      return moduleOf(parameters[layer.filter].name).split('.')
    if (layer.kind === 'linear') return moduleOf(parameters[layer.weight].name).split('.')
    if (layer.kind === 'batchNorm') return (this.#norms.get(layer.statistics ?? -1) ?? '').split('.')
    return ['']
  }

  /** Returns the path of the layer from which a value comes, lazy layers left out; the network's for its input. */
  #sourcePath(value: ValueId): readonly string[] {
    const layer = this.#layerOf.get(value)
    if (layer === undefined) return ['']
    if (isLazy(layer)) return this.#sourcePath(inputsOfLayer(layer)[0])
    return this.#paths.get(layer) ?? ['']
  }

  /** Returns the value that a module reads in place of one that lazy layers compute. */
  #source(value: ValueId): ValueId {
    const layer = this.#layerOf.get(value)
    return layer !== undefined && isLazy(layer) ? this.#source(inputsOfLayer(layer)[0]) : value
  }

  /** Returns the values that layers read from outside of them, in order. */
  #inputsOf(layers: readonly Layer[]): ValueId[] {
    const own = new Set(layers.map(({ output }) => output))
    const read = layers.filter((layer) => !isLazy(layer)).flatMap((layer) => inputsOfLayer(layer))
    return [...new Set(read.map((value) => this.#source(value)))].filter((value) => !own.has(value))
  }

  /** Builds a module of layers. @param path attributes of the modules around it @param outputs values that others read */
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

  /** Adds the call of a module. */
  call(attribute: string, inputs: readonly ValueId[], outputs: readonly ValueId[]): void {
    const read = inputs.map((value) => this.expression(value))
    const results = outputs.map((value, i) => {
      const name = outputs.length === 1 ? variable(attribute) : `${variable(attribute)}_${i}`
      this.name(value, name)
      return name
    })
    this.lines.push(`${results.join(', ')} = self.${attribute}(${read.join(', ')})`)
  }

  /** Adds a layer. @param attribute attribute of the module, for a layer with parameters */
  layer(layer: Layer, attribute?: string): void {
    const expression = this.#expressionOf(layer, attribute)
    const kind = layer.kind === 'globalMean' ? 'pooled' : layer.kind
    const name = attribute === undefined ? `${kind}${this.#count++}` : variable(attribute)
    this.lines.push(`${name} = ${expression}`)
    this.name(layer.output, name)
  }

  /** Returns the Python expression of a value; lazy layers become part of it. */
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

/** Returns the name of the variable for a module's result: `op3` for `op3_sep_conv_3x3`. */
const variable = (attribute: string): string => {
  const short = /^(op\d+|edge\d+_\d+)_/.exec(attribute)?.[1] ?? attribute
  return /^x\d*$/.test(short) ? `${short}_out` : short
}

interface ClassEntry {
  readonly name: string
  readonly instances: Module[]
}

/** The classes of a Python file: modules with the same structure share one. */
class ClassTable {
  readonly #entries = new Map<string, ClassEntry>()
  readonly #signatures = new Map<Module, string>()
  readonly #names = new Set<string>(['Network'])

  /** Adds the classes of all modules within a module. */
  register(module: Module): void {
    for (const { module: child } of module.children) {
      if (child === undefined) continue
      this.register(child)
      const signature = this.#signatureOf(child)
      this.#signatures.set(child, signature)
      const entry = this.#entries.get(signature)
      if (entry !== undefined) entry.instances.push(child)
      else this.#entries.set(signature, { name: this.#freeName(child), instances: [child] })
    }
  }

  #signatureOf({ children, inputs, outputs, lines, results }: Module): string {
    const parts = children.map(({ attribute, template, module }) => [
      attribute,
      template ?? this.#signatures.get(module as Module),
    ])
    return JSON.stringify([parts, inputs.length, outputs.length, lines, results])
  }

  #freeName({ title, lines, children }: Module): string {
    const words = title
      .replace(/^(op\d+|edge\d+_\d+)_/, '')
      .replace(/\d+$/, (digits, at, whole) => (/_\dx$/.test(whole.slice(0, at)) ? digits : ''))
    const kinds = children.map(({ template = '' }) => /nn\.(\w+)/.exec(template)?.[1] ?? '').join()
    const isReduce = lines.some((line) => line.includes('1:, 1:]')) && kinds === 'Conv2d,Conv2d,BatchNorm2d'
    const isPlain = lines[0]?.includes('F.relu') && kinds === 'Conv2d,BatchNorm2d'
    const base = isReduce ? 'FactorizedReduce' : isPlain ? 'ReluConvBn' : camel(words)
    let name = base
    for (let i = 2; this.#names.has(name); i++) name = `${base}V${i}`
    this.#names.add(name)
    return name
  }

  /** Returns the Python expression that constructs a part of a module, with the numbers filled in. */
  construction(child: Child): string {
    if (child.template !== undefined) return filled(child.template, child.numbers)
    const module = child.module as Module
    const { name, instances } = this.#entry(module)
    const { variables } = this.#argumentsOf(instances)
    const at = instances.indexOf(module)
    return `${name}(${variables.map(({ values }) => values[at]).join(', ')})`
  }

  #entry(module: Module): ClassEntry {
    return this.#entries.get(this.#signatures.get(module) ?? '') as ClassEntry
  }

  /** Returns all numbers of a module: those of its layers, of its lines, and the arguments of the modules within it. */
  #numbersOf(module: Module): Slot[] {
    return [...module.children.flatMap((child) => this.#childNumbers(child)), ...module.numbers]
  }

  #childNumbers({ numbers, module }: Child): readonly Slot[] {
    if (module === undefined) return numbers
    const { instances } = this.#entry(module)
    const at = instances.indexOf(module)
    return this.#argumentsOf(instances).variables.map(({ kind, values }) => ({ kind, value: values[at] }))
  }

  readonly #known = new Map<readonly Module[], ReturnType<ClassTable['findArguments']>>()

  #argumentsOf(instances: readonly Module[]) {
    const known = this.#known.get(instances) ?? this.findArguments(instances)
    this.#known.set(instances, known)
    return known
  }

  /**
   * Finds the arguments of a class: the numbers in which its instances differ. Numbers that are equal in every instance
   * share an argument.
   * @returns the arguments, and for each number the expression that stands for it
   */
  findArguments(instances: readonly Module[]) {
    const lists = instances.map((module) => this.#numbersOf(module))
    const variables: { readonly name: string; readonly kind: Slot['kind']; readonly values: readonly number[] }[] = []
    const counts = { channels: 0, stride: 0, size: 0 }
    const expressions = lists[0].map(({ kind }, slot) => {
      const values = lists.map((list) => list[slot].value)
      if (values.every((value) => value === values[0])) return String(values[0])
      const same = variables.find(
        (known) => known.kind === kind && known.values.every((value, i) => value === values[i]),
      )
      if (same !== undefined) return same.name
      const multiple = variables.flatMap((known) => multipleOf(known, kind, values))
      if (multiple.length > 0) return multiple[0]
      const count = counts[kind]++
      const name = kind === 'channels' ? `c${count}` : count === 0 ? kind : `${kind}${count}`
      variables.push({ name, kind, values })
      return name
    })
    return { variables, expressions }
  }

  /** Returns the Python text of all classes, those that others use first. */
  text(): string {
    return [...this.#entries.values()].map((entry) => this.#classText(entry)).join('')
  }

  #classText({ name, instances }: ClassEntry): string {
    const [module] = instances
    const { variables, expressions } = this.#argumentsOf(instances)
    let next = 0
    const take = (count: number) => {
      next += count
      return expressions.slice(next - count, next)
    }
    const parts = module.children.map((child) => {
      const own = take(this.#childNumbers(child).length)
      if (child.template !== undefined) {
        // 1 is the default stride of a convolution.
        const expression = filled(child.template, own).replace(/, stride=1(?=[,)])/, '')
        return `        self.${child.attribute} = ${expression}\n`
      }
      const { name: part } = this.#entry(child.module as Module)
      return `        self.${child.attribute} = ${part}(${own.join(', ')})\n`
    })
    const own = take(module.numbers.length)
    const lines = module.lines.map((line) => `        ${filled(line, own)}\n`).join('')
    const results = module.results.map((result) => filled(result, own)).join(', ')
    const parameters = ['self', ...variables.map((each) => each.name)].join(', ')
    const inputs = ['self', ...module.inputs.map((_, i) => `x${i}`)].join(', ')
    return `class ${name}(nn.Module):
    def __init__(${parameters}):
        super().__init__()
${parts.join('')}
    def forward(${inputs}):
${lines}        return ${results}


`
  }
}

/** Returns the expression of numbers as a whole multiple or half of an argument, where they are one in every instance. */
function multipleOf(
  {
    name,
    kind,
    values: known,
  }: { readonly name: string; readonly kind: Slot['kind']; readonly values: readonly number[] },
  own: Slot['kind'],
  values: readonly number[],
): string[] {
  if (kind !== 'channels' || own !== 'channels') return []
  const factor = values[0] / known[0]
  if (!values.every((value, i) => value === factor * known[i])) return []
  if (factor === 0.5) return [`${name} // 2`]
  return Number.isInteger(factor) ? [`${factor} * ${name}`] : []
}

const camel = (words: string): string =>
  words
    .split('_')
    .filter((word) => word !== '')
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join('')

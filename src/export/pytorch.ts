/**
 * Writes a network as one Python file with PyTorch modules, which loads its weights from a safetensors file beside it.
 * Modules with the same structure share a class; the numbers in which they differ (channels, strides) are its
 * arguments. So a network of many cells becomes a file with a few classes.
 */
import type { Deployment } from './deployment.ts'
import { type Child, type Module, moduleTree, type Slot } from './pytorchModules.ts'

/**
 * Returns the text of a Python file whose function `load()` returns the network with its weights.
 * @param weightsFile name of the safetensors file beside the Python file
 * @throws BenchError `unsupported` for noise, mixed operations and batch normalisation without running statistics
 */
export function pytorchModule(deployment: Deployment, weightsFile: string): string {
  const { network, input, notes } = deployment
  const root = moduleTree(network)
  const classes = new ClassTable(root)
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

/** Escapes a text for use in a Python docstring. */
const pythonText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"""', "'''")

/** Returns a Python list of strings. JSON's escapes mean the same in Python. */
function pythonList(texts: readonly string[]): string {
  const quoted = texts.map((text) => JSON.stringify(text))
  const whole = `[${quoted.join(', ')}]`
  return whole.length < 90 ? whole : `[\n${quoted.map((text) => `    ${text},\n`).join('')}]`
}

const filled = (template: string, numbers: readonly (Slot | string)[]): string =>
  template.replace(/\{(\d+)\}/g, (_, index) => {
    const number = numbers[Number(index)]
    return typeof number === 'string' ? number : String(number.value)
  })

interface ClassEntry {
  readonly name: string
  readonly instances: Module[]
}

/** The classes of the Python file. Modules with the same structure share a class. */
class ClassTable {
  readonly #entries = new Map<string, ClassEntry>()
  readonly #signatures = new Map<Module, string>()
  readonly #names = new Set<string>(['Network'])

  constructor(root: Module) {
    this.#register(root)
  }

  /** Registers the classes of all modules inside a module. */
  #register(module: Module): void {
    for (const { module: child } of module.children) {
      if (child === undefined) continue
      this.#register(child)
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

  /** Returns the Python expression that constructs a child of a module, with its numbers filled in. */
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

  /**
   * Returns all numbers in a module's code: those of its layers, of its `forward` lines, and the arguments of its child
   * modules.
   */
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
   * Finds the arguments of a class: the numbers in which its instances differ. Two numbers that are equal to each other
   * in every instance share an argument.
   * @returns the arguments, and for each number the Python expression that gives it
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

  /** Returns the Python code of all classes. A class comes before the classes that use it. */
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

/**
 * If numbers are a whole multiple or half of an argument, the same in every instance of a class, returns the
 * expression, such as `c0 // 2`; else an empty list.
 */
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

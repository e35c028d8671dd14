/** What the rules that turn operations into dispatches share: buffers of values and gradients, terms, conditions. */
import type { ParameterId, Value, ValueId } from '../../../core/network.ts'
import { Accumulation } from '../../graph/accumulation.ts'
import type { Activity } from '../../graph/activity.ts'
import { countContributions, findDifferentiable } from '../../graph/gradientFlow.ts'
import type { Graph } from '../../graph/graph.ts'
import type { Temporary } from '../../graph/placement.ts'
import { clear } from '../kernels/pointwise.ts'
import type { Feeds, State } from '../layout.ts'
import { itemGrid, type Program } from '../program.ts'
import { type Lent, type Part, wholeOf } from '../storage.ts'
import type { GradientBuffers } from './filterGroup.ts'
import type { ConvolutionPlaces, FilterGroup, FilterRun } from './filterPlaces.ts'
import { numberedBuffers } from './grouping.ts'
import { type Quads, quadsOf } from './quads.ts'
import { makeTables, type Site, type Tables } from './tables.ts'
import type { TermPlace } from './termPlaces.ts'

/** Emits the way back through an operation whose forward dispatches stand. */
export type Backward = () => void

/** What a held gate decides by. */
export interface Mask {
  readonly buffer: GPUBuffer
  readonly bytesPerSample: number
}

/** Where the host writes the numbers of a noise layer. */
export interface NoiseSlot {
  readonly site: number
  readonly buffer: GPUBuffer
  readonly shape: Value
  /** Flag without which it is not read; −1 where it always is. */
  readonly condition: number
}

export class Context {
  readonly program: Program
  readonly graph: Graph
  readonly state: State
  readonly feeds: Feeds
  readonly tables: Tables
  readonly batchSize: number
  readonly bindings: number
  /** Of held gates, in order. */
  readonly masks: Mask[] = []
  readonly noises: NoiseSlot[] = []
  readonly #activity: Activity
  readonly #values = new Map<ValueId, Lent>()
  readonly #gradients = new Map<ValueId, Accumulation<Lent>>()
  /** The groups of filters that make values, and where among their outputs these stand. */
  readonly #groups = new Map<ValueId, { readonly group: FilterGroup; readonly offset: number }>()
  readonly #groupGradients = new Map<FilterGroup, Temporary>()
  readonly #chunks = new Map<FilterRun, Temporary>()
  readonly #expected: readonly number[]
  readonly #differentiable: readonly boolean[]

  constructor(site: Site & { readonly feeds: Feeds }) {
    const { program, graph, activity, state, feeds, batchSize, bindings } = site
    this.program = program
    this.graph = graph
    this.state = state
    this.feeds = feeds
    this.tables = makeTables(site)
    this.batchSize = batchSize
    this.bindings = bindings
    this.#activity = activity
    this.#expected = countContributions(graph, (_, index) => this.convolution(index).groups.length)
    this.#differentiable = findDifferentiable(graph)
  }

  /** Height, width and channels, as the network says. */
  shape(id: ValueId): Value {
    return this.graph.values[id]
  }

  extent(id: ValueId): Quads {
    return quadsOf(this.shape(id))
  }

  /** The buffer of a value: [batch, height, width, stored channels]. */
  value(id: ValueId): Lent {
    let buffer = this.#values.get(id)
    if (buffer === undefined) {
      buffer = this.activation(this.extent(id).perSample, `value ${id}`)
      this.#values.set(id, buffer)
    }
    return buffer
  }

  /** What a convolution reads for its input, and how (`SOURCE_ARGS`). */
  read(input: ValueId, relu: boolean) {
    const { height, width, quads } = this.extent(input)
    const through = this.tables.readThrough.get(input)
    const normPlus1 = through === undefined ? 0 : through.base + 1
    const source = this.value(through?.value ?? input)
    return { source, args: { height, width, quads, relu: Number(relu), normPlus1 } }
  }

  /** A temporary of so many numbers a sample. */
  activation(perSample: number, what: string): Temporary {
    return this.program.temporary(this.batchSize * perSample * 4, what)
  }

  /** Memory that stays, for so many numbers a sample. */
  mask(perSample: number): GPUBuffer {
    const buffer = this.program.keep(this.batchSize * perSample * 4, 'what a gate decides by')
    this.masks.push({ buffer, bytesPerSample: perSample * 4 })
    return buffer
  }

  /** A noise layer's numbers, [batch, height, width, channels] without gaps. */
  noise(site: number, output: ValueId, condition: number): GPUBuffer {
    const shape = this.shape(output)
    const { height, width, channels } = shape
    const buffer = this.program.keep(this.batchSize * height * width * channels * 4, 'noise')
    this.noises.push({ site, buffer, shape, condition })
    return buffer
  }

  /** ∂loss/∂value; undefined where nothing upstream learns. */
  gradient(id: ValueId): Accumulation<Lent> | undefined {
    if (!this.#differentiable[id]) return undefined
    let gradient = this.#gradients.get(id)
    if (gradient === undefined) {
      const { perSample, quadsPerSample } = this.extent(id)
      const output = this.#gradientInGroup(id) ?? this.activation(perSample, `the gradient of value ${id}`)
      const grid = itemGrid(quadsPerSample)
      gradient = new Accumulation(output, this.#expected[id], (when) =>
        this.program.emit(clear, { buffers: { output }, args: { perSample: quadsPerSample }, grid, when }),
      )
      this.#gradients.set(id, gradient)
    }
    return gradient
  }

  /** The finished gradient of an operation's output, for its way back; zeros where nothing was sent. */
  outputGradient(id: ValueId): Lent | undefined {
    const gradient = this.gradient(id)
    gradient?.clear()
    return gradient?.buffer
  }

  /** How the filters of a convolution are taken. */
  convolution(operation: number): ConvolutionPlaces {
    const places = this.tables.convolutions.get(operation)
    if (places === undefined) throw new Error(`operation ${operation} is no convolution`)
    return places
  }

  /** The outputs of a group, of which its values are parts from here on. */
  outputs(group: FilterGroup): Lent {
    const of = this.program.temporary(group.bytes, 'the outputs of a convolution')
    for (const { filter, record } of group.filters) {
      const offset = 16 * record.plane
      this.#values.set(filter.output, { of, offset, bytes: this.#bytesOf(filter.output) })
      this.#groups.set(filter.output, { group, offset })
    }
    return of
  }

  /** The finished gradients wrt a group's outputs: what kernels name to read or make them. */
  outputGradients(group: FilterGroup): GradientBuffers {
    const { filters, givers } = group
    if (givers.length === 0) {
      for (const { filter } of filters) this.outputGradient(filter.output)
      return { gradients: this.#gradientsOf(group) }
    }
    const outputs = wholeOf(this.value(filters[0].filter.output)).of
    const given = givers.flatMap((node) => this.outputGradient(node) ?? [])
    return { vectors: this.tables.vectors, outputs, ...numberedBuffers('gradient', given, (gradient) => gradient) }
  }

  /** Whether the gradient wrt a value is made where it is read, and never stored. */
  isMade(id: ValueId): boolean {
    return (this.#groups.get(id)?.group.givers.length ?? 0) > 0
  }

  /** Where partial sums of filters wait. */
  chunks(waiting: FilterRun): Temporary {
    return once(this.#chunks, waiting, () => this.program.temporary(waiting.bytes, 'gradients of filters by chunk'))
  }

  #gradientInGroup(id: ValueId): Part | undefined {
    const found = this.#groups.get(id)
    if (found === undefined) return undefined
    return { of: this.#gradientsOf(found.group), offset: found.offset, bytes: this.#bytesOf(id) }
  }

  #gradientsOf(group: FilterGroup): Temporary {
    return once(this.#groupGradients, group, () =>
      this.program.temporary(group.bytes, 'the gradients wrt the outputs of a convolution'),
    )
  }

  /** Where a parameter begins in a weight vector. */
  parameter(id: ParameterId): number {
    return this.state.parameterOffsets[id]
  }

  /** Of a combine. */
  terms(operation: number): readonly TermPlace[] {
    return this.tables.termPlaces.get(operation) ?? []
  }

  /** Condition of dispatches on which an operation as a whole depends; −1 where it always runs. */
  operationCondition(operation: number): number {
    return this.#condition(this.#activity.ofOperation(operation))
  }

  partCondition(operation: number, part: number): number {
    return this.#condition(this.#activity.ofPart(operation, part))
  }

  /** Of a value, for the largest batch. */
  #bytesOf(id: ValueId): number {
    return 4 * this.batchSize * this.extent(id).perSample
  }

  #condition(flag: number): number {
    return this.#activity.always[flag] ? -1 : flag
  }
}

function once<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

/** What the rules that turn operations into dispatches share: buffers of values and gradients, terms, conditions. */
import type { ParameterId, Value, ValueId } from '../../../core/network.ts'
import type { Activity } from '../../graph/activity.ts'
import { countContributions, findDifferentiable } from '../../graph/dataflow.ts'
import type { Graph } from '../../graph/graph.ts'
import { Accumulation } from '../../plan/accumulation.ts'
import type { NoiseSlot } from '../../plan/feedNumbers.ts'
import { once } from '../../plan/once.ts'
import type { Temporary } from '../../plan/placement.ts'
import { clear } from '../kernels/pointwise.ts'
import type { Feeds, State } from '../plan/layout.ts'
import { itemGrid, type Program } from '../plan/program.ts'
import type { Part, Transient } from '../plan/storage.ts'
import type { WaitingFilters } from './filters/filterPlaces.ts'
import type { PackedBuffer, PackedPlace } from './filters/packedBuffers.ts'
import { type Quads, quadsOf } from './quads.ts'
import { makeTables, type Site, type Tables } from './tables.ts'
import type { TermPlace } from './terms/termPlaces.ts'

/** The recorded mask of one frozen layer. */
export interface Mask {
  readonly buffer: GPUBuffer
  readonly bytesPerSample: number
}

export class Context {
  readonly program: Program
  readonly graph: Graph
  readonly activity: Activity
  readonly state: State
  readonly feeds: Feeds
  readonly tables: Tables
  readonly batchSize: number
  readonly bindings: number
  /** Of frozen activations, in order. */
  readonly masks: Mask[] = []
  readonly noises: NoiseSlot<GPUBuffer>[] = []
  readonly #values = new Map<ValueId, Transient>()
  readonly #gradients = new Map<ValueId, Accumulation<Transient>>()
  readonly #sharedValues = new Map<PackedBuffer, Temporary>()
  readonly #sharedGradients = new Map<PackedBuffer, Temporary>()
  readonly #chunks = new Map<WaitingFilters, Temporary>()
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
    this.activity = activity
    const { groups } = this.tables
    const groupsOf = (index: number) => groups.filter(({ operations }) => operations.includes(index))
    this.#expected = countContributions(graph, (_, index) => groupsOf(index).length)
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
  value(id: ValueId): Transient {
    const place = this.tables.packed.outputs.get(id)
    return once(this.#values, id, () => {
      const shared = this.#part(this.#sharedValues, place, id, 'the outputs of convolutions')
      return shared ?? this.activation(this.extent(id).perSample, `value ${id}`)
    })
  }

  /** A temporary of so many numbers a sample. */
  activation(perSample: number, what: string): Temporary {
    return this.program.temporary(this.batchSize * perSample * 4, what)
  }

  /** Memory that stays, for so many numbers a sample. */
  mask(perSample: number): GPUBuffer {
    const buffer = this.program.keep(this.batchSize * perSample * 4, 'an activation mask')
    this.masks.push({ buffer, bytesPerSample: perSample * 4 })
    return buffer
  }

  /** A noise layer's numbers, [batch, height, width, channels] without gaps. */
  noise(site: number, output: ValueId, condition: number): GPUBuffer {
    const shape = this.shape(output)
    const { height, width, channels } = shape
    const buffer = this.program.keep(this.batchSize * height * width * channels * 4, 'noise')
    this.noises.push({ site, place: buffer, shape, condition })
    return buffer
  }

  /** ∂loss/∂value; undefined where nothing upstream learns. */
  gradient(id: ValueId): Accumulation<Transient> | undefined {
    if (!this.#differentiable[id]) return undefined
    return once(this.#gradients, id, () => this.#accumulation(id))
  }

  #accumulation(id: ValueId): Accumulation<Transient> {
    const { perSample, quadsPerSample } = this.extent(id)
    const { outputs, unstored } = this.tables.packed
    const place = outputs.get(id) ?? unstored.get(id)
    const shared = this.#part(this.#sharedGradients, place, id, 'gradients wrt the outputs of convolutions')
    const output = shared ?? this.activation(perSample, `the gradient of value ${id}`)
    const grid = itemGrid(quadsPerSample)
    return new Accumulation(output, this.#expected[id], (when) =>
      this.program.emit(clear, { buffers: { output }, args: { perSample: quadsPerSample }, grid, when }),
    )
  }

  /** The finished gradient of an operation's output, for its way back; zeros where nothing was sent. */
  outputGradient(id: ValueId): Transient | undefined {
    const gradient = this.gradient(id)
    gradient?.clear()
    return gradient?.buffer
  }

  /** Where partial sums of filters wait. */
  chunks(waiting: WaitingFilters): Temporary {
    return once(this.#chunks, waiting, () => this.program.temporary(waiting.bytes, 'gradients of filters by chunk'))
  }

  /** A part of the buffer that a value or its gradient shares. */
  #part(
    buffers: Map<PackedBuffer, Temporary>,
    place: PackedPlace | undefined,
    id: ValueId,
    what: string,
  ): Part | undefined {
    if (place === undefined) return undefined
    const { packedBuffer, offset } = place
    const of = once(buffers, packedBuffer, () => this.program.temporary(packedBuffer.bytes, what))
    return { of, offset, bytes: 4 * this.batchSize * this.extent(id).perSample }
  }

  /** Where a parameter begins in a weight vector. */
  parameter(id: ParameterId): number {
    return this.state.parameterOffsets[id]
  }

  /** Of a combine. */
  terms(operation: number): readonly TermPlace[] {
    return this.tables.termPlaces.get(operation) ?? []
  }
}

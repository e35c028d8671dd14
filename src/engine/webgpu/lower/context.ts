/** What the rules that turn operations into dispatches share: buffers of values and gradients, terms, conditions. */
import type { ParameterId, Value, ValueId } from '../../../core/network.ts'
import { Accumulation } from '../../graph/accumulation.ts'
import type { Activity } from '../../graph/activity.ts'
import { type Extent, extentOf } from '../../graph/extent.ts'
import { countContributions, findDifferentiable } from '../../graph/gradientFlow.ts'
import type { Graph } from '../../graph/graph.ts'
import type { Temporary } from '../../graph/placement.ts'
import { ROWS } from '../kernels/norm.ts'
import { clear } from '../kernels/pointwise.ts'
import type { Feeds, State } from '../layout.ts'
import { itemGrid, type Program } from '../program.ts'
import { placeTerms, recordOf, type TermPlace } from './termPlaces.ts'

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

/** Channels as stored are read four at a time. */
export interface Quads extends Extent {
  readonly quads: number
  /** Quads a sample. */
  readonly quadsPerSample: number
}

export interface Site {
  readonly program: Program
  readonly graph: Graph
  readonly activity: Activity
  readonly state: State
  readonly feeds: Feeds
  readonly batchSize: number
  /** Storage buffers that one kernel can name. */
  readonly bindings: number
}

export class Context {
  readonly program: Program
  readonly graph: Graph
  readonly state: State
  readonly feeds: Feeds
  readonly batchSize: number
  readonly bindings: number
  /** Of held gates, in order. */
  readonly masks: Mask[] = []
  readonly noises: NoiseSlot[] = []
  /** All rows by channel of all terms, their records, and where the last row of each begins and how long it is. */
  readonly vectors: GPUBuffer
  readonly records: GPUBuffer
  readonly contributions: GPUBuffer
  readonly termCount: number
  readonly #activity: Activity
  readonly #terms: ReadonlyMap<number, readonly TermPlace[]>
  readonly #values = new Map<ValueId, Temporary>()
  readonly #gradients = new Map<ValueId, Accumulation>()
  readonly #expected: readonly number[]
  readonly #differentiable: readonly boolean[]

  constructor({ program, graph, activity, state, feeds, batchSize, bindings }: Site) {
    this.program = program
    this.graph = graph
    this.state = state
    this.feeds = feeds
    this.batchSize = batchSize
    this.bindings = bindings
    this.#activity = activity
    this.#expected = countContributions(graph, 'for each filter')
    this.#differentiable = findDifferentiable(graph)
    this.#terms = placeTerms(graph, ({ output }) => this.extent(output).quads)
    const places = [...this.#terms.values()].flat()
    this.termCount = places.length
    const rows = places.reduce((sum, { quads }) => sum + ROWS.length * quads, 0)
    this.vectors = program.keep(16 * rows, 'scales and moments by channel')
    this.records = program.table(
      [...this.#terms].flatMap(([index, own]) => {
        const operation = graph.operations[index]
        return operation.kind === 'combine'
          ? operation.terms.flatMap((term, part) => recordOf(term, own[part], state))
          : []
      }),
    )
    const contribution = ROWS.indexOf('contribution')
    this.contributions = program.table(places.flatMap(({ base, quads }) => [base + contribution * quads, quads]))
  }

  /** Height, width and channels, as the network says. */
  shape(id: ValueId): Value {
    return this.graph.values[id]
  }

  extent(id: ValueId): Quads {
    const extent = extentOf(this.shape(id))
    return { ...extent, quads: extent.channels / 4, quadsPerSample: extent.perSample / 4 }
  }

  /** The buffer of a value: [batch, height, width, stored channels]. */
  value(id: ValueId): Temporary {
    let buffer = this.#values.get(id)
    if (buffer === undefined) {
      buffer = this.activation(this.extent(id).perSample, `value ${id}`)
      this.#values.set(id, buffer)
    }
    return buffer
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
  gradient(id: ValueId): Accumulation | undefined {
    if (!this.#differentiable[id]) return undefined
    let gradient = this.#gradients.get(id)
    if (gradient === undefined) {
      const { perSample, quadsPerSample } = this.extent(id)
      const output = this.activation(perSample, `the gradient of value ${id}`)
      const grid = itemGrid(quadsPerSample)
      gradient = new Accumulation(output, this.#expected[id], (when) =>
        this.program.emit(clear, { buffers: { output }, args: { perSample: quadsPerSample }, grid, when }),
      )
      this.#gradients.set(id, gradient)
    }
    return gradient
  }

  /** The finished gradient of an operation's output, for its way back; zeros where nothing was sent. */
  outputGradient(id: ValueId): Temporary | undefined {
    const gradient = this.gradient(id)
    gradient?.clear()
    return gradient?.buffer
  }

  /** Where a parameter begins in a weight vector. */
  parameter(id: ParameterId): number {
    return this.state.parameterOffsets[id]
  }

  /** Of a combine. */
  terms(operation: number): readonly TermPlace[] {
    return this.#terms.get(operation) ?? []
  }

  /** Condition of dispatches on which an operation as a whole depends; −1 where it always runs. */
  operationCondition(operation: number): number {
    return this.#condition(this.#activity.ofOperation(operation))
  }

  partCondition(operation: number, part: number): number {
    return this.#condition(this.#activity.ofPart(operation, part))
  }

  #condition(flag: number): number {
    return this.#activity.always[flag] ? -1 : flag
  }
}

/**
 * What all lowering rules share: the program that they emit to, the buffers of values and their gradients, and the
 * tables of terms and filters.
 */
import type { ParameterId, Value, ValueId } from '../../../core/network.ts'
import type { Activity } from '../../graph/activity.ts'
import { countContributions, findDifferentiable } from '../../graph/dataflow.ts'
import type { Graph } from '../../graph/graph.ts'
import { Accumulation, type ByPathMask, once } from '../../plan/lowering.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { NoiseSlot } from '../../plan/runInputs.ts'
import { clear } from '../kernels/pointwise.ts'
import type { Feeds, State } from '../plan/layout.ts'
import { itemGrid, type Program } from '../plan/program.ts'
import type { PackedBuffer, PackedPlace, Part, Transient } from '../plan/storage.ts'
import type { Summation } from './filterPlan.ts'
import { type Quads, quadsOf } from './quads.ts'
import { makeTables, type Site, type Tables } from './tables.ts'
import type { TermPlace } from './termPlan.ts'

/** The buffer in which a frozen layer records and reads its activation mask. */
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
  /** The masks of all frozen activations, in the order of the operations. */
  readonly masks: Mask[] = []
  readonly noises: NoiseSlot<GPUBuffer>[] = []
  readonly #values = new Map<ValueId, Transient>()
  readonly #gradients = new Map<ValueId, Accumulation<Transient>>()
  readonly #packedValues = new Map<PackedBuffer, Temporary>()
  readonly #packedGradients = new Map<PackedBuffer, Temporary>()
  readonly #partialSums = new Map<Summation, Temporary>()
  /** For each value how many dispatches may add to its gradient. */
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
    const { groups } = this.tables.filters
    const groupsOf = (index: number) => groups.filter(({ operations }) => operations.includes(index))
    this.#expected = countContributions(graph, (_, index) => groupsOf(index).length)
    this.#differentiable = findDifferentiable(graph)
  }

  /** Returns height, width and channels of a value, without padding. */
  shape(id: ValueId): Value {
    return this.graph.values[id]
  }

  /** Returns the stored sizes of a value. */
  extent(id: ValueId): Quads {
    return quadsOf(this.shape(id))
  }

  /** Returns the buffer of a value, [batch, height, width, channels with padding]. */
  value(id: ValueId): Transient {
    const place = this.tables.filters.outputs.get(id)
    return once(this.#values, id, () => {
      const packed = this.#part(this.#packedValues, place, id, 'the outputs of convolutions')
      return packed ?? this.activation(this.extent(id).perSample, `value ${id}`)
    })
  }

  /** Returns a temporary buffer with so many floats per sample. @param what description for error messages */
  activation(perSample: number, what: string): Temporary {
    return this.program.temporary(this.batchSize * perSample * 4, what)
  }

  /** Returns a new buffer for an activation mask of so many floats per sample, which lives as long as the program. */
  mask(perSample: number): GPUBuffer {
    const buffer = this.program.keep(this.batchSize * perSample * 4, 'an activation mask')
    this.masks.push({ buffer, bytesPerSample: perSample * 4 })
    return buffer
  }

  /**
   * Returns the buffer to which the host writes the numbers of a noise layer, [batch, height, width, channels] without
   * padding.
   */
  noise(site: number, output: ValueId, condition: number): GPUBuffer {
    const shape = this.shape(output)
    const { height, width, channels } = shape
    const buffer = this.program.keep(this.batchSize * height * width * channels * 4, 'noise')
    this.noises.push({ site, place: buffer, shape, condition })
    return buffer
  }

  /** Returns the gradient with respect to a value; undefined if the value depends on no parameter or coefficient. */
  gradient(id: ValueId): Accumulation<Transient> | undefined {
    if (!this.#differentiable[id]) return undefined
    return once(this.#gradients, id, () => this.#accumulation(id))
  }

  #accumulation(id: ValueId): Accumulation<Transient> {
    const { perSample, quadsPerSample } = this.extent(id)
    const { outputs, unstoredInputs } = this.tables.filters
    const place = outputs.get(id) ?? unstoredInputs.get(id)
    const packed = this.#part(this.#packedGradients, place, id, 'gradients of the outputs of convolutions')
    const output = packed ?? this.activation(perSample, `the gradient of value ${id}`)
    const grid = itemGrid(quadsPerSample)
    return new Accumulation(output, this.#expected[id], (when) =>
      this.program.emit(clear, { buffers: { output }, args: { perSample: quadsPerSample }, grid, when }),
    )
  }

  /**
   * Returns the complete gradient with respect to the output of an operation whose backward pass is emitted next; zeros
   * if nothing has added to it; undefined as in `gradient`.
   */
  outputGradient(id: ValueId): Transient | undefined {
    const gradient = this.gradient(id)
    gradient?.clear()
    return gradient?.buffer
  }

  /**
   * Emits the gradient with respect to the only input of an operation; does nothing if the input depends on no
   * parameter or coefficient.
   *
   * @param condition activity flag under which the operation runs; −1: it always runs
   * @param emit receives the gradient with respect to the output, the buffer for the result, and whether the kernel
   * adds to it
   */
  emitInputGradient(
    { input, output }: { readonly input: ValueId; readonly output: ValueId },
    condition: number,
    emit: (gradient: Transient, result: Transient, accumulate: number | ByPathMask) => void,
  ): void {
    const gradient = this.outputGradient(output)
    const target = this.gradient(input)
    if (gradient === undefined || target === undefined) return
    const accumulate = target.accumulate(condition)
    emit(gradient, target.buffer, accumulate)
  }

  /** Returns the buffer for the partial sums of filter gradients that one summation adds up. */
  partialSums(summation: Summation): Temporary {
    return once(this.#partialSums, summation, () =>
      this.program.temporary(summation.bytes, 'partial sums of the gradients of filters'),
    )
  }

  /** Returns the part of a packed buffer where a value stands; undefined if `place` is. */
  #part(
    buffers: Map<PackedBuffer, Temporary>,
    place: PackedPlace | undefined,
    id: ValueId,
    what: string,
  ): Part | undefined {
    if (place === undefined) return undefined
    const { buffer, offset } = place
    const of = once(buffers, buffer, () => this.program.temporary(buffer.bytes, what))
    return { of, offset, bytes: 4 * this.batchSize * this.extent(id).perSample }
  }

  /** Returns where a parameter begins in a weight vector, in floats. */
  parameter(id: ParameterId): number {
    return this.state.parameterOffsets[id]
  }

  /** Returns the places of the terms of a combine operation. */
  terms(operation: number): readonly TermPlace[] {
    return this.tables.terms.places.get(operation) ?? []
  }
}

/**
 * The state shared by the rules that translate a network's operations into GPU dispatches: the program to which they
 * append dispatches, the buffers of activations and their gradients, and the tables of convolution filters and of terms
 * (the summands of nodes).
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
import { type Quads, quadsOf } from './quads.ts'
import type { Summation } from './summations.ts'
import { makeTables, type Site, type Tables } from './tables.ts'
import type { TermPlace } from './termPlan.ts'

/**
 * The GPU buffer of one frozen ReLU's or max pooling's activation mask: a recording run writes it, later runs read it.
 */
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
  /** The buffers with the activation masks of all frozen ReLUs and max poolings, in the order of the operations. */
  readonly masks: Mask[] = []
  readonly noises: NoiseSlot<GPUBuffer>[] = []
  readonly #values = new Map<ValueId, Transient>()
  readonly #gradients = new Map<ValueId, Accumulation<Transient>>()
  readonly #packedValues = new Map<PackedBuffer, Temporary>()
  readonly #packedGradients = new Map<PackedBuffer, Temporary>()
  readonly #partialSums = new Map<Summation, Temporary>()
  /**
   * For each value (activation tensor) of the network, how many dispatches may add to the gradient with respect to it.
   */
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

  /** Returns height, width and channels of a value (activation tensor), not counting padding channels. */
  shape(id: ValueId): Value {
    return this.graph.values[id]
  }

  /** Returns the stored sizes of a value (activation tensor), whose channels are padded to a multiple of four. */
  extent(id: ValueId): Quads {
    return quadsOf(this.shape(id))
  }

  /**
   * Returns the buffer that holds a value (activation tensor) of the network, [batch, height, width, channels with
   * padding].
   */
  value(id: ValueId): Transient {
    const place = this.tables.filters.outputs.get(id)
    return once(this.#values, id, () => {
      const packed = this.#part(this.#packedValues, place, id, 'the outputs of convolutions')
      return packed ?? this.activation(this.extent(id).perSample, `value ${id}`)
    })
  }

  /**
   * Returns a temporary buffer of `perSample` floats for each sample of a batch.
   *
   * @param what description of the buffer for error messages
   */
  activation(perSample: number, what: string): Temporary {
    return this.program.temporary(this.batchSize * perSample * 4, what)
  }

  /** Returns a new buffer for an activation mask of `perSample` floats per sample; it lives as long as the program. */
  mask(perSample: number): GPUBuffer {
    const buffer = this.program.keep(this.batchSize * perSample * 4, 'an activation mask')
    this.masks.push({ buffer, bytesPerSample: perSample * 4 })
    return buffer
  }

  /**
   * Returns the buffer to which the host writes the random values of a noise layer, [batch, height, width, channels]
   * without padding channels.
   */
  noise(site: number, output: ValueId, condition: number): GPUBuffer {
    const shape = this.shape(output)
    const { height, width, channels } = shape
    const buffer = this.program.keep(this.batchSize * height * width * channels * 4, 'noise')
    this.noises.push({ site, place: buffer, shape, condition })
    return buffer
  }

  /**
   * Returns the buffer that accumulates the gradient with respect to a value (activation tensor); undefined if the
   * value depends on neither network weights nor mixing coefficients.
   */
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
   * Returns the buffer with the complete gradient with respect to the output of an operation whose backward pass is
   * emitted next; it holds zeros if no operation has added to it. Undefined if the output depends on neither network
   * weights nor mixing coefficients.
   */
  outputGradient(id: ValueId): Transient | undefined {
    const gradient = this.gradient(id)
    gradient?.clear()
    return gradient?.buffer
  }

  /**
   * Emits the dispatch for the gradient with respect to the only input of an operation; emits nothing if the input
   * depends on neither network weights nor mixing coefficients.
   *
   * @param condition index of the activity flag that must be set for the operation to run; −1: it always runs
   * @param emit emits the dispatch; receives the buffer with the gradient with respect to the output, the buffer for
   * the result, and whether the kernel adds to that buffer
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

  /** Returns the buffer for the partial sums of filter gradients that one dispatch of `sumPartials` adds up. */
  partialSums(summation: Summation): Temporary {
    return once(this.#partialSums, summation, () =>
      this.program.temporary(summation.bytes, 'partial sums of the gradients of filters'),
    )
  }

  /**
   * Returns the part of a packed buffer (several activation tensors, one after the other) that holds one tensor;
   * undefined if `place` is undefined.
   */
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

  /** Returns the offset at which a parameter tensor of the network begins in a weight vector, in floats. */
  parameter(id: ParameterId): number {
    return this.state.parameterOffsets[id]
  }

  /** Returns for each term (summand) of a combine operation where its per-channel data are stored on the GPU. */
  terms(operation: number): readonly TermPlace[] {
    return this.tables.terms.places.get(operation) ?? []
  }
}

/**
 * The state that all lowering rules of the WebAssembly executor share while one network is compiled: the buffers of
 * values and gradients, the constant tables, and the activation masks.
 */
import type { ParameterId, Value, ValueId } from '../../../core/network.ts'
import type { Activity } from '../../graph/activity.ts'
import { convolvedForOneNorm, countContributions, findDifferentiable } from '../../graph/dataflow.ts'
import type { Graph } from '../../graph/graph.ts'
import { firstTerms, termsOf } from '../../graph/terms.ts'
import { Accumulation, type Extent, extentOf, once } from '../../plan/lowering.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { NoiseSlot } from '../../plan/runInputs.ts'
import type { Layout } from '../plan/layout.ts'
import type { Program, When } from '../plan/program.ts'
import { type Grid, gridOffsets, type Patch, type Staging } from './geometry.ts'

/**
 * Number of pixels whose entries a kernel adds up into one row of partial sums. Must be equal to `CHUNK` in
 * kernels/lanes.ts.
 */
export const CHUNK = 64

/**
 * The byte addresses at which kernels read the weight and the activity flag of one term of a weighted sum, and write
 * the gradient of its weight.
 */
export interface TermSlot {
  /** Byte address of the term's weight, a float32: the product of its mixing coefficients. */
  readonly coefficient: number
  /** Byte address of the term's activity flag, an int32: 1 if the term is computed, else 0. */
  readonly enabled: number
  /** Byte address of ∂L/∂(weight of the term), a float64. */
  readonly gradient: number
}

/**
 * Where the recorded activation mask of one frozen ReLU or max pooling lies in WebAssembly memory (byte address), and
 * how many floats it has for each sample.
 */
export interface Mask {
  readonly address: number
  readonly perSample: number
}

/**
 * The state that all lowering rules share while one network is compiled: its buffers, addresses and constant tables.
 */
export class Context {
  readonly program: Program
  readonly graph: Graph
  readonly layout: Layout
  readonly activity: Activity
  readonly batchSize: number
  readonly threads: number
  readonly norms: NormGradients
  /** Where the activation masks of all frozen ReLUs and max poolings lie, in the order of the operations. */
  readonly masks: Mask[] = []
  readonly noises: NoiseSlot<number>[] = []
  readonly #values = new Map<ValueId, Temporary>()
  readonly #gradients = new Map<ValueId, Accumulation>()
  readonly #expected: readonly number[]
  readonly #differentiable: readonly boolean[]
  readonly #offsets = new Map<string, number>()
  readonly #zeros = new Map<string, number>()
  readonly #patches = new Map<string, number>()
  readonly #firstTerms: readonly number[]
  readonly termTable: { readonly coefficients: number; readonly enabled: number; readonly gradients: number }

  /**
   * Reserves memory for the weights, flags and gradients of the terms of all weighted sums. @param threads number of
   * threads that will run the program
   */
  constructor(
    program: Program,
    graph: Graph,
    layout: Layout,
    activity: Activity,
    { batchSize, threads }: { readonly batchSize: number; readonly threads: number },
  ) {
    this.program = program
    this.graph = graph
    this.layout = layout
    this.activity = activity
    this.batchSize = batchSize
    this.threads = threads
    this.norms = new NormGradients(graph, (id) => this.momentRows(id))
    this.#expected = countContributions(graph, ({ relu, filters }) => (relu ? 1 : filters.length))
    this.#differentiable = findDifferentiable(graph)
    this.#firstTerms = firstTerms(graph)
    const terms = termsOf(graph, activity).length
    this.termTable = {
      coefficients: program.reserve(terms * 4),
      enabled: program.reserve(terms * 4),
      gradients: program.reserve(terms * 8),
    }
  }

  /** Returns height, width and channels of a value of the graph, without padding channels. */
  shape(id: ValueId): Value {
    return this.graph.values[id]
  }

  /** Returns the sizes with which a value of the graph is stored: its channels are padded to a multiple of 4. */
  extent(id: ValueId): Extent {
    return extentOf(this.shape(id))
  }

  /** Returns the buffer that holds a value of the graph: [batch, height, width, channels with padding]. */
  value(id: ValueId): Temporary {
    return once(this.#values, id, () => this.activation(this.extent(id).perSample, `value ${id}`))
  }

  /** Declares a temporary buffer with `perSample` floats for each sample of the batch. */
  activation(perSample: number, what: string): Temporary {
    return this.program.temporary(this.batchSize * perSample * 4, what)
  }

  /** Declares a temporary buffer with `perChunk` floats for each chunk of 64 pixels of a value. */
  chunkRows(id: ValueId, perChunk: number, what: string): Temporary {
    const chunks = Math.ceil((this.batchSize * this.extent(id).pixelsPerSample) / CHUNK)
    return this.program.temporary(chunks * perChunk * 4, what)
  }

  /**
   * Declares the buffer of partial sums, one row for each chunk of 64 pixels, from which mean and variance of a value
   * are computed.
   */
  momentRows(id: ValueId): Temporary {
    return this.chunkRows(id, 2 * this.extent(id).channels, `sums of value ${id}`)
  }

  /**
   * Reserves memory for the activation mask of one frozen layer, `perSample` floats for each sample, and returns its
   * byte address.
   */
  mask(perSample: number): number {
    const address = this.program.reserve(this.batchSize * perSample * 4)
    this.masks.push({ address, perSample })
    return address
  }

  /**
   * Reserves the memory to which the host writes the random numbers of a noise layer, [batch, height, width, channels]
   * without padding, and returns its byte address.
   */
  noise(site: number, output: ValueId, condition: number): number {
    const shape = this.shape(output)
    const address = this.program.reserve(this.batchSize * shape.height * shape.width * shape.channels * 4)
    this.noises.push({ site, place: address, shape, condition })
    return address
  }

  /**
   * Returns the gradient of the loss with respect to a value of the graph; undefined if the backward pass does not need
   * it (see `findDifferentiable`).
   */
  gradient(id: ValueId): Accumulation | undefined {
    if (!this.#differentiable[id]) return undefined
    return once(this.#gradients, id, () => {
      const { perSample } = this.extent(id)
      return this.accumulation(this.activation(perSample, `gradient of value ${id}`), perSample, this.#expected[id])
    })
  }

  /**
   * Returns a gradient to which several operations add.
   *
   * @param buffer where the gradient is stored
   * @param expected number of operations that add to the gradient
   */
  accumulation(buffer: Temporary, perSample: number, expected: number): Accumulation {
    const clear = (when: When) => this.program.emit('fill', { output: buffer, perSample }, { when })
    return new Accumulation(buffer, expected, clear)
  }

  /**
   * Returns the buffer with the complete gradient of an operation's output, which the operation's backward pass reads.
   * The buffer holds zeros if no operation added to it; the result is undefined if the backward pass does not need the
   * gradient.
   */
  outputGradient(id: ValueId): Temporary | undefined {
    const gradient = this.gradient(id)
    gradient?.clear()
    return gradient?.buffer
  }

  /** Returns the byte address of a network parameter in WebAssembly memory. */
  parameter(id: ParameterId): number {
    return this.layout.weights + this.layout.parameterOffsets[id]
  }

  /** Returns the byte address of the gradient of a network parameter. */
  parameterGradient(id: ParameterId): number {
    return this.layout.gradient + this.layout.parameterOffsets[id]
  }

  /** Returns the addresses of one term's weight, flag and gradient. @param part the term's index in its weighted sum */
  termSlot(operation: number, part: number): TermSlot {
    const index = this.#firstTerms[operation] + part
    return {
      coefficient: this.termTable.coefficients + index * 4,
      enabled: this.termTable.enabled + index * 4,
      gradient: this.termTable.gradients + index * 8,
    }
  }

  /** Returns the byte address of at least `count` floats that are always zero. */
  zeros(count: number): number {
    return once(this.#zeros, `${count}`, () => this.program.reserve(count * 4))
  }

  /**
   * Returns the byte address of a table that holds the byte offset, in a staged image, of every point of a grid, for
   * every sample of the batch.
   */
  offsets(staging: Staging, grid: Grid): number {
    const key = Object.values({ ...staging, h: grid.height, w: grid.width, t: grid.top, l: grid.left, s: grid.step })
    return once(this.#offsets, key.join(' '), () => this.program.table(gridOffsets(staging, grid, this.batchSize)))
  }

  /**
   * Returns the kernel arguments that describe a patch (the entries that one window of a convolution reads) as segments
   * of consecutive floats.
   */
  patch({ segmentOffsets, length }: Patch): { segments: number; segmentCount: number; segmentLength: number } {
    const segments = once(this.#patches, segmentOffsets.join(' '), () => this.program.table(segmentOffsets))
    return { segments, segmentCount: segmentOffsets.length, segmentLength: length }
  }
}

/**
 * The data from which the gradient of a batch norm's input x is computed later: slope·g + curve·x + offset, where g is
 * the gradient of the weighted sum that contains the batch norm, and slope, curve and offset are numbers for each
 * channel.
 */
export interface DeferredGradient {
  /** Buffer of g, the gradient of the weighted sum. */
  readonly gradient: Temporary
  /** Byte address of all slopes, then all curves, then all offsets, [channels] each. */
  readonly slopes: number
}

/**
 * Saves passes over memory where only one batch norm reads the output of a dense convolution: the convolution computes
 * the partial sums for mean and variance while it writes its output, and the gradient of its output is computed while
 * it is copied into an image with a zero border.
 */
export class NormGradients {
  readonly #rows = new Map<ValueId, Temporary>()
  readonly #deferrable: ReadonlySet<ValueId>
  readonly #deferred = new Map<ValueId, DeferredGradient>()

  /**
   * Finds the convolutions of a graph whose output only one batch norm reads. @param rows declares and returns the
   * buffer of partial sums for mean and variance of a value
   */
  constructor(graph: Graph, rows: (id: ValueId) => Temporary) {
    this.#deferrable = convolvedForOneNorm(graph)
    for (const id of this.#deferrable) this.#rows.set(id, rows(id))
  }

  /**
   * Returns the buffer to which the convolution that computes a value writes partial sums for the value's mean and
   * variance; undefined if it writes none.
   */
  rows(id: ValueId): Temporary | undefined {
    return this.#rows.get(id)
  }

  /**
   * Leaves the gradient of a value to the convolution that computed the value, if only one batch norm reads that
   * convolution's output. Otherwise returns false, and the caller must compute the gradient.
   */
  defer(id: ValueId, gradient: DeferredGradient): boolean {
    if (!this.#deferrable.has(id)) return false
    this.#deferred.set(id, gradient)
    return true
  }

  /** Returns the data of a value's gradient that `defer` left to its convolution; undefined if there is none. */
  deferred(id: ValueId): DeferredGradient | undefined {
    return this.#deferred.get(id)
  }
}

/**
 * The state that all lowering rules of the WebAssembly executor share: buffers of values and gradients, tables, masks.
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

/** Number of pixels that are summed into one row of partial sums; the same as in kernels/lanes.ts. */
export const CHUNK = 64

/** The addresses at which kernels read the weight and the flag of a term, and write its gradient. */
export interface TermSlot {
  /** The weight Π factors, a float. */
  readonly coefficient: number
  /** 1 if the term is computed, else 0; an integer. */
  readonly enabled: number
  /** ∂L/∂(Π factors), a double. */
  readonly gradient: number
}

/** The recorded mask of one frozen layer. */
export interface Mask {
  readonly address: number
  readonly perSample: number
}

/** The buffers, tables and numbers of a network while it is lowered. */
export class Context {
  readonly program: Program
  readonly graph: Graph
  readonly layout: Layout
  readonly activity: Activity
  readonly batchSize: number
  readonly threads: number
  readonly norms: NormGradients
  /** The masks that frozen layers record, in the order of the layers. */
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

  /** Reserves the table of terms. @param threads number of threads that will run the program */
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

  /** Returns height, width and channels of a value, without padding channels. */
  shape(id: ValueId): Value {
    return this.graph.values[id]
  }

  /** Returns the stored sizes of a value, with padding channels. */
  extent(id: ValueId): Extent {
    return extentOf(this.shape(id))
  }

  /** Returns the buffer of a value: [batch, height, width, stored channels]. */
  value(id: ValueId): Temporary {
    return once(this.#values, id, () => this.activation(this.extent(id).perSample, `value ${id}`))
  }

  /** Declares a temporary buffer with `perSample` floats for each sample. */
  activation(perSample: number, what: string): Temporary {
    return this.program.temporary(this.batchSize * perSample * 4, what)
  }

  /** Declares a temporary buffer with `perChunk` floats for each chunk of a value's pixels. */
  chunkRows(id: ValueId, perChunk: number, what: string): Temporary {
    const chunks = Math.ceil((this.batchSize * this.extent(id).pixelsPerSample) / CHUNK)
    return this.program.temporary(chunks * perChunk * 4, what)
  }

  /** Declares the buffer of partial sums from which mean and variance of a value are computed. */
  momentRows(id: ValueId): Temporary {
    return this.chunkRows(id, 2 * this.extent(id).channels, `sums of value ${id}`)
  }

  /** Reserves memory for a mask of `perSample` floats for each sample, and returns its address. */
  mask(perSample: number): number {
    const address = this.program.reserve(this.batchSize * perSample * 4)
    this.masks.push({ address, perSample })
    return address
  }

  /**
   * Reserves memory for the random numbers of a noise layer, [batch, height, width, channels] without padding, and
   * returns its address.
   */
  noise(site: number, output: ValueId, condition: number): number {
    const shape = this.shape(output)
    const address = this.program.reserve(this.batchSize * shape.height * shape.width * shape.channels * 4)
    this.noises.push({ site, place: address, shape, condition })
    return address
  }

  /** Returns the gradient of a value; undefined if the value depends on no parameter and no mixing coefficient. */
  gradient(id: ValueId): Accumulation | undefined {
    if (!this.#differentiable[id]) return undefined
    return once(this.#gradients, id, () => {
      const { perSample } = this.extent(id)
      return this.accumulation(this.activation(perSample, `gradient of value ${id}`), perSample, this.#expected[id])
    })
  }

  /** Returns a gradient that accumulates in a buffer. @param expected number of operations that add to it */
  accumulation(buffer: Temporary, perSample: number, expected: number): Accumulation {
    const clear = (when: When) => this.program.emit('fill', { output: buffer, perSample }, { when })
    return new Accumulation(buffer, expected, clear)
  }

  /**
   * Returns the complete gradient of an operation's output, for its backward pass; zeros if no operation added to it,
   * undefined if none is needed.
   */
  outputGradient(id: ValueId): Temporary | undefined {
    const gradient = this.gradient(id)
    gradient?.clear()
    return gradient?.buffer
  }

  /** Returns the address of a parameter. */
  parameter(id: ParameterId): number {
    return this.layout.weights + this.layout.parameterOffsets[id]
  }

  /** Returns the address of the gradient of a parameter. */
  parameterGradient(id: ParameterId): number {
    return this.layout.gradient + this.layout.parameterOffsets[id]
  }

  /** Returns the addresses of a term of a weighted sum. @param part the term's index in the sum */
  termSlot(operation: number, part: number): TermSlot {
    const index = this.#firstTerms[operation] + part
    return {
      coefficient: this.termTable.coefficients + index * 4,
      enabled: this.termTable.enabled + index * 4,
      gradient: this.termTable.gradients + index * 8,
    }
  }

  /** Returns the address of at least `count` floats that are always zero. */
  zeros(count: number): number {
    return once(this.#zeros, `${count}`, () => this.program.reserve(count * 4))
  }

  /** Returns the address of a table with the byte offsets of all points of a grid, for every sample of the batch. */
  offsets(staging: Staging, grid: Grid): number {
    const key = Object.values({ ...staging, h: grid.height, w: grid.width, t: grid.top, l: grid.left, s: grid.step })
    return once(this.#offsets, key.join(' '), () => this.program.table(gridOffsets(staging, grid, this.batchSize)))
  }

  /** Returns the kernel arguments that describe the segments of a patch. */
  patch({ segmentOffsets, length }: Patch): { segments: number; segmentCount: number; segmentLength: number } {
    const segments = once(this.#patches, segmentOffsets.join(' '), () => this.program.table(segmentOffsets))
    return { segments, segmentCount: segmentOffsets.length, segmentLength: length }
  }
}

/**
 * The gradient of a normalised value in a form to be computed later: slope·gradient + curve·value + offset by channel.
 */
export interface DeferredGradient {
  readonly gradient: Temporary
  /** Address of the vectors slope, curve and offset, one after the other. */
  readonly slopes: number
}

/**
 * Connects convolutions with the normalisations that read them. Such a convolution collects the partial sums of mean
 * and variance while it writes its output, and computes the gradient of its output while it stages it; neither costs a
 * pass of its own.
 */
export class NormGradients {
  readonly #rows = new Map<ValueId, Temporary>()
  readonly #deferrable: ReadonlySet<ValueId>
  readonly #deferred = new Map<ValueId, DeferredGradient>()

  /** Finds these convolutions in a graph. @param rows declares the buffer of partial sums of a value */
  constructor(graph: Graph, rows: (id: ValueId) => Temporary) {
    this.#deferrable = convolvedForOneNorm(graph)
    for (const id of this.#deferrable) this.#rows.set(id, rows(id))
  }

  /**
   * Returns the buffer in which the convolution that computes a value collects partial sums; undefined if it collects
   * none.
   */
  rows(id: ValueId): Temporary | undefined {
    return this.#rows.get(id)
  }

  /**
   * Hands the gradient of a value over to the convolution that computes the value. Returns false if no such convolution
   * exists; the caller must then compute the gradient.
   */
  defer(id: ValueId, gradient: DeferredGradient): boolean {
    if (!this.#deferrable.has(id)) return false
    this.#deferred.set(id, gradient)
    return true
  }

  /** Returns the gradient that was handed over for a value, if any. */
  deferred(id: ValueId): DeferredGradient | undefined {
    return this.#deferred.get(id)
  }
}

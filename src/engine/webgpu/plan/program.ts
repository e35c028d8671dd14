/**
 * The list of GPU dispatches of a compiled network. The lowering rules append dispatches in order; then the program
 * assigns GPU memory to the temporary buffers that the dispatches name, and binds every dispatch to its buffers and
 * arguments.
 */
import { BenchError } from '../../../core/errors.ts'
import type { ByPathMask } from '../../plan/lowering.ts'
import { Temporary } from '../../plan/placement.ts'
import type { RunKind } from '../../plan/runInputs.ts'
import { type Device, megabytes } from '../device/device.ts'
import { FIRST_BUFFER, type Kernel, THREADS } from '../device/kernel.ts'
import { assignSlots, isTransient, movedOf, type Slot, type Storage, type Transient, wholeOf } from './storage.ts'

/**
 * The part of a training step that a dispatch belongs to: the forward pass, the loss (`cross-entropy`, or `logits` for
 * Σ cotangent·logits), the backward pass, or the SGD step on the weights (`descent`).
 */
export type Section = 'forward' | 'cross-entropy' | 'logits' | 'backward' | 'descent'

/**
 * The kinds of run that execute a dispatch. `batch-statistics`: all but evaluation. `weights`, `coefficients`: runs
 * that compute the gradient of the network weights, or of the mixing coefficients; `no-coefficients`: runs that do not
 * compute the latter. `pathMasked`: runs in which some paths are switched off. `recording`, `not-recording`: runs that
 * record activation masks, or do not.
 */
export type When =
  | 'always'
  | 'batch-statistics'
  | 'weights'
  | 'coefficients'
  | 'no-coefficients'
  | 'pathMasked'
  | 'recording'
  | 'not-recording'

/** For each `When` a function that tells whether its dispatches are executed in a kind of run. */
const holds: Readonly<Record<When, (runKind: RunKind) => boolean>> = {
  always: () => true,
  'batch-statistics': ({ mode }) => mode !== 'eval',
  weights: ({ weights }) => weights,
  coefficients: ({ coefficients }) => coefficients,
  'no-coefficients': ({ coefficients }) => !coefficients,
  pathMasked: ({ pathMasked }) => pathMasked,
  recording: ({ recording }) => recording,
  'not-recording': ({ recording }) => !recording,
}

/**
 * A kernel argument: one number, or a pair of numbers, one for steps with switched-off paths and one for steps that
 * compute all paths.
 */
export type Argument = number | ByPathMask

/**
 * Computes the number of workgroups of a dispatch along x, y and z for a batch of `samples` samples.
 *
 * @param most upper limit on the workgroups of kernels whose threads can each compute several items (`eachItem`)
 */
export type Grid = (samples: number, most: number) => readonly [number, number, number]

/** One dispatch as a lowering rule describes it: its buffers, arguments and grid, and when it runs. */
export interface Emission<B extends string, A extends string> {
  readonly buffers: Readonly<Record<B, Storage>>
  readonly args: Readonly<Record<A, Argument>>
  readonly grid: Grid
  /** The kinds of run that execute the dispatch; absent: all. */
  readonly when?: When
  /** Index of the activity flag that must be set for the dispatch to run; −1 or absent: the dispatch always runs. */
  readonly condition?: number
}

interface Dispatch {
  readonly kernel: Kernel
  readonly buffers: readonly Storage[]
  readonly args: readonly number[]
  readonly grid: Grid
  readonly section: Section
  readonly when: When
  readonly condition: number
}

/** A dispatch with its WebGPU pipeline and bind group, ready to be encoded into a compute pass. */
export interface BoundDispatch {
  readonly pipeline: GPUComputePipeline
  readonly bindings: GPUBindGroup
  readonly grid: Grid
  readonly condition: number
}

/** The memory traffic of one dispatch, as far as it concerns temporary buffers. */
export interface Traffic {
  readonly kernel: string
  /** Bytes of temporary buffers that the dispatch reads or writes, for the largest batch. */
  readonly bytes: number
}

/** The GPU buffer, and the byte offset in it, at which a temporary buffer or a part of one is stored. */
export interface Place {
  readonly buffer: GPUBuffer
  readonly offset: number
}

/** Returns the dispatch grid of an `eachItem` kernel that computes `perSample` items for each sample of a batch. */
export const itemGrid =
  (perSample: number): Grid =>
  (samples, most) => [groupsFor(samples * perSample, most), 1, 1]

/** Returns the dispatch grid of an `eachItem` kernel whose number of items does not depend on the size of the batch. */
export const fixedGrid =
  (items: number): Grid =>
  (_, most) => [groupsFor(items, most), 1, 1]

const groupsFor = (items: number, most: number) => Math.min(most, Math.max(1, Math.ceil(items / THREADS)))

export class Program {
  readonly #device: Device
  readonly #run: GPUBuffer
  readonly #dispatches: Dispatch[] = []
  readonly #temporaries: Temporary[] = []
  readonly #owned: GPUBuffer[] = []
  /**
   * For each buffer of the program a promise: null if the GPU has allocated the buffer, an error if it had no memory
   * for it.
   */
  readonly #shortages: Promise<GPUError | null>[] = []
  #bound: readonly BoundDispatch[] = []
  #section: Section = 'forward'
  #fits: Promise<void> = Promise.resolve()

  /**
   * Creates a program without dispatches.
   *
   * @param run the uniform buffer with the values that change from run to run (`RUN_FIELDS`); the program destroys it
   * on disposal
   */
  constructor(device: Device, run: GPUBuffer) {
    this.#device = device
    this.#run = this.#own(run)
  }

  /**
   * Returns a temporary buffer of the given size, whose memory is reserved from the first to the last dispatch that
   * names it.
   */
  temporary(bytes: number, what: string): Temporary {
    const buffer = new Temporary(bytes, what)
    this.#temporaries.push(buffer)
    return buffer
  }

  /**
   * Creates a GPU buffer of zeros that lives as long as the program.
   *
   * @throws BenchError `unsupported` if the buffer is too large
   */
  keep(bytes: number, what: string): GPUBuffer {
    const { made, error } = this.#device.watch('out-of-memory', () => this.#device.buffer(bytes, what))
    this.#shortages.push(error)
    return this.#own(made)
  }

  /** Returns a GPU buffer that holds the given unsigned 32-bit words and lives as long as the program. */
  table(words: readonly number[]): GPUBuffer {
    const buffer = this.keep(4 * words.length, 'a table')
    this.#device.gpu.queue.writeBuffer(buffer, 0, Uint32Array.from(words))
    return buffer
  }

  /** Begins a section of a training step: dispatches that are emitted from now on belong to it. */
  enter(section: Section): void {
    this.#section = section
  }

  /** Appends one dispatch of a kernel to the program's list. */
  emit<B extends string, A extends string>(kernel: Kernel<B, A>, emission: Emission<B, A>): void {
    const { buffers, args, grid, when = 'always', condition = -1 } = emission
    const ordered = (Object.keys(kernel.buffers) as B[]).map((name) => buffers[name])
    for (const buffer of ordered) this.touch(buffer)
    const numbers = kernel.args.map((name) => encoded(args[name]))
    const section = this.#section
    this.#dispatches.push({ kernel, buffers: ordered, args: numbers, grid, section, when, condition })
  }

  /** Keeps a temporary buffer's memory reserved at least until the next dispatch that is emitted. */
  touch(buffer: Storage): void {
    if (isTransient(buffer)) wholeOf(buffer).of.touch(this.#dispatches.length)
  }

  /** Compiles the program's kernels concurrently; without this call, `load` compiles them one after the other. */
  prepare(): Promise<void> {
    return this.#device.prepare(this.#dispatches.map(({ kernel }) => kernel))
  }

  /**
   * Creates the program's buffers and binds all dispatches to them. Returns a function that tells where a temporary
   * buffer, or a part of one, is stored in GPU memory.
   *
   * @param name name of the network, for error messages
   * @throws BenchError `unsupported` if a buffer is larger than the device allows; the message names the buffer
   */
  load(name: string): (transient: Transient) => Place {
    const slots = assignSlots(this.#temporaries)
    for (const { bytes, holders } of slots) this.#device.checkSize(bytes, `${name}: ${holders[0].what}`)
    const placeOf = this.#makeBuffers(slots)
    const { made, error } = this.#device.watch('validation', () => this.#bind(placeOf))
    this.#bound = made
    this.#fits = this.#checkErrors(name, slots, error)
    this.#fits.catch(() => this.dispose())
    return placeOf
  }

  /** Returns the bound dispatches of a section that are executed in a kind of run; call it after `load`. */
  bind(section: Section, runKind: RunKind): BoundDispatch[] {
    return this.#bound.filter((_, i) => runs(this.#dispatches[i], section, runKind))
  }

  /** Returns the memory traffic of each dispatch of a section that is executed in a kind of run, in order. */
  traffic(section: Section, runKind: RunKind): Traffic[] {
    const running = this.#dispatches.filter((dispatch) => runs(dispatch, section, runKind))
    return running.map(({ kernel, buffers }) => {
      const transients = [...new Set(buffers)].filter(isTransient)
      return { kernel: kernel.name, bytes: transients.reduce((sum, each) => sum + movedOf(each), 0) }
    })
  }

  /** The GPU memory of all temporary buffers of the program together, in bytes. */
  get transientBytes(): number {
    return assignSlots(this.#temporaries).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Destroys all GPU buffers that the program has created. */
  dispose(): void {
    for (const buffer of this.#owned.splice(0)) buffer.destroy()
  }

  /**
   * A promise that resolves once the GPU has allocated all buffers of the program; use it after `load`.
   *
   * @throws BenchError `unsupported` if there was not enough memory; the message names the largest buffer
   */
  get fits(): Promise<void> {
    return this.#fits
  }

  #makeBuffers(slots: readonly Slot[]): (transient: Transient) => Place {
    const places = new Map<Temporary, GPUBuffer>()
    for (const { bytes, holders } of slots) {
      const buffer = this.keep(bytes, holders[0].what)
      for (const holder of holders) places.set(holder, buffer)
    }
    return (transient) => {
      const { of, offset } = wholeOf(transient)
      return { buffer: places.get(of) as GPUBuffer, offset }
    }
  }

  #bind(placeOf: (transient: Transient) => Place): BoundDispatch[] {
    const kernels = this.#dispatches.map(({ kernel }) => this.#device.compile(kernel))
    const { offsets, args } = this.#makeArgs()
    return this.#dispatches.map(({ buffers, grid, condition }, i) => {
      const { pipeline, layout } = kernels[i]
      const storage = buffers.map((buffer, j): GPUBindGroupEntry => {
        const binding = FIRST_BUFFER + j
        return { binding, resource: isTransient(buffer) ? { ...placeOf(buffer), size: buffer.bytes } : { buffer } }
      })
      const own = { buffer: args, offset: offsets[i], size: this.#argBytes(i) }
      const entries = [{ binding: 0, resource: { buffer: this.#run } }, { binding: 1, resource: own }, ...storage]
      return { pipeline, bindings: this.#device.gpu.createBindGroup({ layout, entries }), grid, condition }
    })
  }

  /**
   * Waits for the GPU's error reports and throws an error if there is one. Lack of memory is checked first, because a
   * buffer for which there was no memory also causes a validation error when it is bound.
   */
  async #checkErrors(name: string, slots: readonly Slot[], refusal: Promise<GPUError | null>): Promise<void> {
    const [refused, ...shortages] = await Promise.all([refusal, ...this.#shortages])
    if (shortages.some((shortage) => shortage !== null)) throw tooLarge(name, slots)
    if (refused !== null) throw new BenchError('failed', `the GPU refused the plan of ${name} (${refused.message})`)
  }

  /**
   * Writes the arguments of all dispatches to one uniform buffer, equal lists of arguments only once. Returns the
   * buffer and each dispatch's offset in it.
   */
  #makeArgs(): { readonly args: GPUBuffer; readonly offsets: readonly number[] } {
    const alignment = this.#device.gpu.limits.minUniformBufferOffsetAlignment
    const known = new Map<string, number>()
    const words: number[] = []
    const offsets = this.#dispatches.map(({ args }) => {
      const key = args.join()
      const offset = known.get(key) ?? 4 * words.length
      if (!known.has(key)) {
        known.set(key, offset)
        words.push(...args)
        while ((4 * words.length) % alignment !== 0) words.push(0)
      }
      return offset
    })
    const args = this.#own(this.#device.uniform(Math.max(alignment, 4 * words.length)))
    this.#device.gpu.queue.writeBuffer(args, 0, Uint32Array.from(words))
    return { args, offsets }
  }

  /** Returns the size of a dispatch's arguments in the uniform buffer, in bytes, rounded up to a multiple of 16. */
  #argBytes(dispatch: number): number {
    return Math.ceil(this.#dispatches[dispatch].args.length / 4) * 16
  }

  #own(buffer: GPUBuffer): GPUBuffer {
    this.#owned.push(buffer)
    return buffer
  }
}

const runs = ({ section, when }: Dispatch, wanted: Section, runKind: RunKind) =>
  section === wanted && holds[when](runKind)

/**
 * Encodes a kernel argument as a number; a pair that depends on switched-off paths becomes 2, as the WGSL of `ADDS`
 * expects.
 */
const encoded = (argument: Argument): number => (typeof argument === 'number' ? argument : 2)

function tooLarge(name: string, slots: readonly Slot[]): BenchError {
  const total = slots.reduce((sum, { bytes }) => sum + bytes, 0)
  const [{ bytes, holders }] = slots
  return new BenchError(
    'unsupported',
    `${name} needs ${megabytes(total)} of GPU memory, more than could be had; ` +
      `the largest buffer is ${holders[0].what}, ${megabytes(bytes)}; use a smaller batch`,
  )
}

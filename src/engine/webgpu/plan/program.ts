/** A network's program while it is written: dispatches in order, with buffers that are made at last. */
import { BenchError } from '../../../core/errors.ts'
import type { ByPathMask } from '../../plan/accumulation.ts'
import { Temporary } from '../../plan/placement.ts'
import type { Situation } from '../../plan/situation.ts'
import { type Device, megabytes } from '../device/device.ts'
import { FIRST_BUFFER, type Kernel, THREADS } from '../device/kernel.ts'
import { holds, type Section, type When } from './situation.ts'
import { assignSlots, type Slot } from './slots.ts'
import { isTransient, movedOf, type Storage, type Transient, wholeOf } from './storage.ts'

/** A fixed number, or how a contribution adds (see `ADDS`). */
export type Argument = number | ByPathMask

/** Workgroups for so many samples; @param most of kernels that can do with fewer */
export type Grid = (samples: number, most: number) => readonly [number, number, number]

export interface Emission<B extends string, A extends string> {
  readonly buffers: Readonly<Record<B, Storage>>
  readonly args: Readonly<Record<A, Argument>>
  readonly grid: Grid
  readonly when?: When
  /** Number of the activity flag that must be set; −1: none. */
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

/** A dispatch ready to run. */
export interface BoundDispatch {
  readonly pipeline: GPUComputePipeline
  readonly bindings: GPUBindGroup
  readonly grid: Grid
  readonly condition: number
}

/** What a dispatch makes of the device's memory. */
export interface Traffic {
  readonly kernel: string
  /** Of what is lent, for the largest batch. */
  readonly bytes: number
}

/** Where something lent stands. */
export interface Place {
  readonly buffer: GPUBuffer
  readonly offset: number
}

/** Enough workgroups for a kernel with a thread an item; it goes round where they are fewer (`eachItem`). */
export const itemGrid =
  (perSample: number): Grid =>
  (samples, most) => [groupsFor(samples * perSample, most), 1, 1]

/** The same for a number of items that no batch changes. */
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
  /** Of each buffer, whether there was no memory for it. */
  readonly #shortages: Promise<GPUError | null>[] = []
  #bound: readonly BoundDispatch[] = []
  #section: Section = 'forward'
  #fits: Promise<void> = Promise.resolve()

  /** @param run what changes from run to run; goes with the program */
  constructor(device: Device, run: GPUBuffer) {
    this.#device = device
    this.#run = this.#own(run)
  }

  /** Memory that is lent between the first and the last dispatch that name it. */
  temporary(bytes: number, what: string): Temporary {
    const buffer = new Temporary(bytes, what)
    this.#temporaries.push(buffer)
    return buffer
  }

  /** Memory that stays as long as the program: zeroed. @throws BenchError `unsupported` where it is too large */
  keep(bytes: number, what: string): GPUBuffer {
    const { made, error } = this.#device.watch('out-of-memory', () => this.#device.buffer(bytes, what))
    this.#shortages.push(error)
    return this.#own(made)
  }

  /** Constant words. */
  table(words: readonly number[]): GPUBuffer {
    const buffer = this.keep(4 * words.length, 'a table')
    this.#device.gpu.queue.writeBuffer(buffer, 0, Uint32Array.from(words))
    return buffer
  }

  /** Dispatches from here on belong to this section. */
  enter(section: Section): void {
    this.#section = section
  }

  emit<B extends string, A extends string>(kernel: Kernel<B, A>, emission: Emission<B, A>): void {
    const { buffers, args, grid, when = 'always', condition = -1 } = emission
    const ordered = (Object.keys(kernel.buffers) as B[]).map((name) => buffers[name])
    for (const buffer of ordered) this.touch(buffer)
    const numbers = kernel.args.map((name) => encoded(args[name]))
    const section = this.#section
    this.#dispatches.push({ kernel, buffers: ordered, args: numbers, grid, section, when, condition })
  }

  /** Keeps a buffer alive up to here. */
  touch(buffer: Storage): void {
    if (isTransient(buffer)) wholeOf(buffer).of.touch(this.#dispatches.length)
  }

  /** Compiles the kernels side by side; without it, `load` does one after the other. */
  prepare(): Promise<void> {
    return this.#device.prepare(this.#dispatches.map(({ kernel }) => kernel))
  }

  /**
   * Makes the buffers and binds them to the kernels. → where what is lent stands
   *
   * @throws BenchError `unsupported` where a buffer is larger than the device allows, naming it
   */
  load(name: string): (lent: Transient) => Place {
    const slots = assignSlots(this.#temporaries)
    for (const { bytes, holders } of slots) this.#device.checkSize(bytes, `${name}: ${holders[0].what}`)
    const placeOf = this.#makeBuffers(slots)
    const { made, error } = this.#device.watch('validation', () => this.#bind(placeOf))
    this.#bound = made
    this.#fits = this.#judge(name, slots, error)
    this.#fits.catch(() => this.dispose())
    return placeOf
  }

  /** The dispatches of a section that run in a situation. After `load`. */
  bind(section: Section, situation: Situation): BoundDispatch[] {
    return this.#bound.filter((_, i) => runs(this.#dispatches[i], section, situation))
  }

  /** What those dispatches move, in their order. */
  traffic(section: Section, situation: Situation): Traffic[] {
    const running = this.#dispatches.filter((dispatch) => runs(dispatch, section, situation))
    return running.map(({ kernel, buffers }) => {
      const lent = [...new Set(buffers)].filter(isTransient)
      return { kernel: kernel.name, bytes: lent.reduce((sum, each) => sum + movedOf(each), 0) }
    })
  }

  /** Bytes of all that is lent. */
  get transientBytes(): number {
    return assignSlots(this.#temporaries).reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** Gives all memory back. */
  dispose(): void {
    for (const buffer of this.#owned.splice(0)) buffer.destroy()
  }

  /** Resolves where the device had the memory. @throws BenchError `unsupported`, naming the largest buffer */
  get fits(): Promise<void> {
    return this.#fits
  }

  #makeBuffers(slots: readonly Slot[]): (lent: Transient) => Place {
    const places = new Map<Temporary, GPUBuffer>()
    for (const { bytes, holders } of slots) {
      const buffer = this.keep(bytes, holders[0].what)
      for (const holder of holders) places.set(holder, buffer)
    }
    return (lent) => {
      const { of, offset } = wholeOf(lent)
      return { buffer: places.get(of) as GPUBuffer, offset }
    }
  }

  #bind(placeOf: (lent: Transient) => Place): BoundDispatch[] {
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

  /** Buffers for which there was no memory cannot be bound either: that is the same error. */
  async #judge(name: string, slots: readonly Slot[], refusal: Promise<GPUError | null>): Promise<void> {
    const [refused, ...shortages] = await Promise.all([refusal, ...this.#shortages])
    if (shortages.some((shortage) => shortage !== null)) throw tooLarge(name, slots)
    if (refused !== null) throw new BenchError('failed', `the GPU refused the plan of ${name} (${refused.message})`)
  }

  /** All dispatches' args in one uniform buffer; equal ones stand once. */
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

  /** What the kernel's `args` take: a uniform's size is a multiple of 16. */
  #argBytes(dispatch: number): number {
    return Math.ceil(this.#dispatches[dispatch].args.length / 4) * 16
  }

  #own(buffer: GPUBuffer): GPUBuffer {
    this.#owned.push(buffer)
    return buffer
  }
}

const runs = ({ section, when }: Dispatch, wanted: Section, situation: Situation) =>
  section === wanted && holds[when](situation)

/** Numbers as `ADDS` reads them. */
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

/**
 * The program of a network: its kernel calls in order. Calls name buffers while they are emitted; `load` then gives the
 * buffers addresses, so that buffers which are never alive at the same time share memory.
 */
import { BenchError } from '../../../core/errors.ts'
import type { ByPathMask } from '../../plan/lowering.ts'
import { align, place, Temporary } from '../../plan/placement.ts'
import type { RunKind } from '../../plan/runInputs.ts'
import { type Arena, type KernelName, MEMORY_LIMIT } from '../module/module.ts'
import type { signatures } from '../module/signatures.ts'

/**
 * An argument of a kernel call: a number, a buffer (passed as its address), or a number that depends on the path mask.
 */
export type Argument = number | Temporary | ByPathMask
/** The arguments of a kernel, by parameter name. */
export type Arguments<K extends KernelName> = Readonly<Record<(typeof signatures)[K][number], Argument>>

/** The part of a step that a call belongs to; there is one part for each kind of loss. */
export type Section = 'forward' | 'cross-entropy' | 'logits' | 'backward'

/** The kinds of run in which a call is replayed. */
export type When =
  | 'always'
  | 'training'
  | 'batch-statistics'
  | 'running-statistics'
  | 'weights'
  | 'coefficients'
  | 'no-coefficients'
  | 'pathMasked'
  | 'recording'

/** For each condition whether it holds in a kind of run. */
const holds: Readonly<Record<When, (runKind: RunKind) => boolean>> = {
  always: () => true,
  training: ({ mode }) => mode === 'train',
  'batch-statistics': ({ mode }) => mode !== 'eval',
  'running-statistics': ({ mode }) => mode === 'eval',
  weights: ({ weights }) => weights,
  coefficients: ({ coefficients }) => coefficients,
  'no-coefficients': ({ coefficients }) => !coefficients,
  pathMasked: ({ pathMasked }) => pathMasked,
  recording: ({ recording }) => recording,
}

/** A kernel call as it was emitted. */
interface Call {
  readonly kernel: KernelName
  readonly args: readonly Argument[]
  readonly section: Section
  readonly when: When
  /** Position of the activity flag that must be set; −1: the call always runs. */
  readonly condition: number
}

/** A kernel call with all arguments resolved to numbers, which can be sent to another thread. */
export interface PlainCall {
  readonly kernel: KernelName
  readonly args: readonly number[]
  /** Whether all threads run it. */
  readonly isShared: boolean
  readonly condition: number
}

/** When a call is replayed: the kinds of run, and the activity flag that must be set. */
export interface EmitOptions {
  readonly when?: When
  readonly condition?: number
}

/** An entry of a table: a number, or the address of a buffer. */
export type Word = number | Temporary

/** A table of constants in memory. */
interface Table {
  readonly address: number
  readonly words: readonly Word[] | Uint32Array
}

/** The first page holds the constants of the WebAssembly module. */
const STATIC_BASE = 65536

/** Collects the kernel calls, buffers and tables of a network. */
export class Program {
  readonly #parameters: typeof signatures
  readonly #calls: Call[] = []
  readonly #temporaries: Temporary[] = []
  readonly #tables: Table[] = []
  #section: Section = 'forward'
  #staticEnd = STATIC_BASE
  #end = 0

  constructor(parameters: typeof signatures) {
    this.#parameters = parameters
  }

  /** Reserves zeroed memory that lives as long as the plan, and returns its address. */
  reserve(bytes: number): number {
    const address = this.#staticEnd
    this.#staticEnd += align(bytes)
    return address
  }

  /** Declares a buffer that is alive from the first to the last call that names it. */
  temporary(bytes: number, what: string): Temporary {
    const buffer = new Temporary(bytes, what)
    this.#temporaries.push(buffer)
    return buffer
  }

  /**
   * Adds a table of constant 32-bit words and returns its address. Buffers that the table names must be touched before
   * each call that reads it.
   */
  table(words: readonly Word[] | Uint32Array): number {
    const address = this.reserve(words.length * 4)
    this.#tables.push({ address, words })
    return address
  }

  /** Makes the following calls belong to a section. */
  enter(section: Section): void {
    this.#section = section
  }

  /** Appends a kernel call to the current section. */
  emit<K extends KernelName>(
    kernel: K,
    args: Arguments<K>,
    { when = 'always', condition = -1 }: EmitOptions = {},
  ): void {
    const names: readonly (typeof signatures)[K][number][] = this.#parameters[kernel]
    const ordered = names.map((name) => args[name])
    for (const argument of ordered) this.touch(argument)
    this.#calls.push({ kernel, args: ordered, section: this.#section, when, condition })
  }

  /** Keeps a buffer alive until the next call. */
  touch(argument: Argument): void {
    if (argument instanceof Temporary) argument.touch(this.#calls.length)
  }

  /**
   * Gives every buffer its address, reserves the memory, writes the tables, and returns the number of bytes in use.
   *
   * @throws BenchError `unsupported` if the network does not fit
   */
  load(arena: Arena, name: string): number {
    this.#end = place(this.#temporaries, this.#staticEnd)
    if (this.#end > MEMORY_LIMIT) throw this.#tooLarge(name)
    arena.reserve(this.#end, name)
    arena.integers.fill(0, STATIC_BASE / 4, this.#staticEnd / 4)
    for (const { address, words } of this.#tables) {
      if (words instanceof Uint32Array) arena.integers.set(words, address / 4)
      else arena.integers.set(words.map(addressOf), address / 4)
    }
    return this.#end
  }

  /** Returns the calls of a section for a kind of run; valid after `load`. */
  select(section: Section, runKind: RunKind): PlainCall[] {
    return this.#calls
      .filter((call) => call.section === section && holds[call.when](runKind))
      .map(({ kernel, args, condition }) => ({
        kernel,
        condition,
        isShared: sharedKernels.has(kernel),
        args: args.map((argument) => resolve(argument, runKind.pathMasked)),
      }))
  }

  #tooLarge(name: string): BenchError {
    const [largest] = this.#temporaries.toSorted((a, b) => b.bytes - a.bytes)
    const size = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GB`
    return new BenchError(
      'unsupported',
      `${name}: needs ${size(this.#end)}, WebAssembly has ${size(MEMORY_LIMIT)}; ` +
        `the largest buffer is ${largest.what}, ${size(largest.bytes)}; use a smaller batch`,
    )
  }
}

const addressOf = (word: number | Temporary): number => (typeof word === 'number' ? word : word.address)

const resolve = (argument: Argument, pathMasked: boolean): number => {
  if (typeof argument === 'number' || argument instanceof Temporary) return addressOf(argument)
  return pathMasked ? argument.pathMasked : argument.full
}

/**
 * The kernels that all threads run, each on its part of the data. All other kernels run on the first thread only,
 * because they are too small to divide.
 */
export const sharedKernels: ReadonlySet<KernelName> = new Set<KernelName>([
  'stage',
  'stageNormGradient',
  'packFilter',
  'unpackFilter',
  'convolve',
  'filterGradient',
  'depthwise',
  'depthwiseFilterGradient',
  'measure',
  'combine',
  'combinePlainGradient',
  'combineNormGradient',
  'reduceProducts',
  'addPartialProducts',
  'fill',
  'relu',
  'reluGradient',
  'scaleSamples',
  'accumulate',
  'gather',
  'scatter',
  'copyChannels',
  'crop',
  'cropGradient',
  'padChannels',
  'boxPool',
  'boxPoolGradient',
  'avgPool',
  'avgPoolGradient',
  'maxPool',
  'frozenMaxPool',
  'maxPoolGradient',
  'globalMean',
  'globalMeanGradient',
])

/**
 * The program of a compiled network: the list of its WebAssembly kernel calls. Calls are emitted with temporary buffers
 * as arguments; `load` then gives the buffers addresses, and buffers that are never in use at the same time share
 * memory.
 */
import { BenchError } from '../../../core/errors.ts'
import type { ByPathMask } from '../../plan/lowering.ts'
import { align, place, Temporary } from '../../plan/placement.ts'
import type { RunKind } from '../../plan/runInputs.ts'
import { type Arena, type KernelName, MEMORY_LIMIT } from '../module/module.ts'
import type { signatures } from '../module/signatures.ts'

/**
 * An argument of a kernel call: a number, a buffer (passed as its address), or two numbers, one for steps with
 * switched-off paths and one for all other steps.
 */
export type Argument = number | Temporary | ByPathMask
/** The arguments of a kernel call, by the names of the kernel's parameters. */
export type Arguments<K extends KernelName> = Readonly<Record<(typeof signatures)[K][number], Argument>>

/**
 * The part of a training step that a kernel call belongs to: the forward pass, one of the two losses (`cross-entropy`,
 * or `logits` for Σ cotangent·logits), or the backward pass.
 */
export type Section = 'forward' | 'cross-entropy' | 'logits' | 'backward'

/**
 * In which kinds of run a kernel call is executed: every run (`always`); runs in mode `train` (`training`); runs that
 * normalise by the statistics of the batch (`batch-statistics`) or by the running ones (`running-statistics`); runs
 * that compute the gradient of the network weights (`weights`); runs that compute the gradient of the mixing
 * coefficients (`coefficients`) or do not (`no-coefficients`); runs with switched-off paths (`pathMasked`); runs that
 * record activation masks (`recording`).
 */
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

/** For each value of `When`, a function that tells whether a kind of run executes the kernel calls with this value. */
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

/** A kernel call as the lowering rules emitted it, before its buffers have addresses. */
interface Call {
  readonly kernel: KernelName
  readonly args: readonly Argument[]
  readonly section: Section
  readonly when: When
  /** Position, in the activity flags, of the flag that must be set for the call to run; −1: the call always runs. */
  readonly condition: number
}

/** A kernel call with all arguments resolved to numbers, so that it can be sent to another thread. */
export interface PlainCall {
  readonly kernel: KernelName
  readonly args: readonly number[]
  /** Whether all threads run the call, each on its part of the data; else only the first thread runs it. */
  readonly isShared: boolean
  readonly condition: number
}

/** In which runs a kernel call is executed, and by which activity flag it can be skipped. */
export interface EmitOptions {
  readonly when?: When
  readonly condition?: number
}

/** One 32-bit entry of a constant table in WebAssembly memory: a number, or a buffer, written as its address. */
export type Word = number | Temporary

/** A table of constants that kernels read from WebAssembly memory. */
interface Table {
  readonly address: number
  readonly words: readonly Word[] | Uint32Array
}

/**
 * Byte address at which the data of a compiled network begin; the page below it (64 KiB) holds the constants of the
 * WebAssembly module.
 */
const STATIC_BASE = 65536

/** Collects the kernel calls, temporary buffers and constant tables of a network while it is compiled. */
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

  /** Reserves zeroed memory that belongs to the compiled network as long as it exists, and returns the byte address. */
  reserve(bytes: number): number {
    const address = this.#staticEnd
    this.#staticEnd += align(bytes)
    return address
  }

  /** Declares a temporary buffer, which is in use from the first to the last kernel call that names it. */
  temporary(bytes: number, what: string): Temporary {
    const buffer = new Temporary(bytes, what)
    this.#temporaries.push(buffer)
    return buffer
  }

  /**
   * Adds a table of constant 32-bit words to the program and returns its byte address. A kernel call that reads buffers
   * through a table does not name them, so `touch` must be called for each of them before the call is emitted.
   */
  table(words: readonly Word[] | Uint32Array): number {
    const address = this.reserve(words.length * 4)
    this.#tables.push({ address, words })
    return address
  }

  /**
   * Begins a part of the step, such as the backward pass: all kernel calls that are emitted from now on belong to it.
   */
  enter(section: Section): void {
    this.#section = section
  }

  /** Appends a kernel call to the part of the step for which `enter` was called last. */
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

  /** Marks a buffer as used by the kernel call that is emitted next; other arguments are ignored. */
  touch(argument: Argument): void {
    if (argument instanceof Temporary) argument.touch(this.#calls.length)
  }

  /**
   * Gives every buffer its address, reserves the WebAssembly memory, writes the constant tables, and returns the number
   * of bytes in use.
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

  /** Returns the kernel calls of one part of the step that a kind of run executes, in order; valid after `load`. */
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
 * Names of the kernels that all threads run, each on its part of the data. All other kernels run on the first thread
 * only, because they are too small to divide.
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

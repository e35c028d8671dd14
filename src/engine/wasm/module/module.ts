/**
 * Loads the compiled WebAssembly module with the kernels, and holds the memory of one network together with the kernels
 * that run on it.
 */
import { readFile } from 'node:fs/promises'
import { BenchError } from '../../../core/errors.ts'
import type { Arithmetic } from '../../../core/executor.ts'
import type { signatures } from './signatures.ts'

/** The name of a kernel that the WebAssembly module exports. */
export type KernelName = keyof typeof signatures
/** The kernels of the WebAssembly module, by name; their arguments are in the order of `signatures`. */
export type Kernels = Readonly<Record<KernelName, (...args: number[]) => number>>

const PAGE = 65536
/** Byte address of unused memory, below the program's data, to which the test for fused multiply-adds writes. */
const FREE = PAGE / 2
/** Number of bytes that a 32-bit WebAssembly module can address: 4 GiB. */
export const MEMORY_LIMIT = 65536 * PAGE

/**
 * The two builds of the kernels: `deterministic` rounds a multiply-add twice, with the same bits on every machine;
 * `fused` rounds it once.
 */
export type KernelArithmetic = Extract<Arithmetic, 'deterministic' | 'fused'>

const modules = new Map<KernelArithmetic, Promise<WebAssembly.Module>>()

/**
 * Returns one of the two builds of the kernels; each is compiled once in a process.
 *
 * @throws BenchError `unsupported` for `fused` if Node.js has no relaxed SIMD or the processor no fused multiply-add
 */
export function kernelModule(arithmetic: KernelArithmetic): Promise<WebAssembly.Module> {
  const module = modules.get(arithmetic) ?? (arithmetic === 'fused' ? compileFused() : compile('kernels.wasm'))
  modules.set(arithmetic, module)
  return module
}

const compile = async (name: string) => WebAssembly.compile(await readModule(name))
const readModule = (name: string) => readFile(new URL(name, import.meta.url))

/**
 * Compiles the build of the kernels with fused multiply-adds. @throws BenchError `unsupported` where this machine
 * cannot run it
 */
async function compileFused(): Promise<WebAssembly.Module> {
  const name = 'kernels-relaxed.wasm'
  const missing = WebAssembly.validate(await readModule(name))
    ? 'a fused multiply-add, which this processor lacks'
    : `relaxed SIMD, which Node.js ${process.version} lacks (22 and later have it)`
  const module = await compile(name).catch(() => undefined)
  if (module !== undefined && roundsOnce(new Arena(module))) return module
  throw new BenchError('unsupported', `fast math needs ${missing}; leave --fast-math out`)
}

/**
 * Tells whether the module's multiply-add rounds once: only then does −(1 + 2⁻¹¹) + (1 + 2⁻¹²)² keep its last term,
 * 2⁻²⁴. Relaxed SIMD leaves the choice to the machine, and only machines that round once give the same bits as each
 * other.
 */
function roundsOnce({ kernels, floats }: Arena): boolean {
  const [y, x] = [FREE, FREE + 16]
  floats.fill(-(1 + 2 ** -11), y / 4, y / 4 + 4)
  floats.fill(1 + 2 ** -12, x / 4, x / 4 + 4)
  kernels.axpy(y, 1 + 2 ** -12, x, 4)
  return floats[y / 4] === 2 ** -24
}

/** One thread's instance of the kernels, over a memory that several threads may share. */
export class ThreadKernels {
  readonly kernels: Kernels
  readonly #batch: WebAssembly.Global
  readonly #part: WebAssembly.Global
  readonly #parts: WebAssembly.Global

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } })
    this.kernels = exports as unknown as Kernels
    this.#batch = exports.batch as WebAssembly.Global
    this.#part = exports.part as WebAssembly.Global
    this.#parts = exports.parts as WebAssembly.Global
  }

  /** Number of samples in the batch that the kernels process now. */
  get batch(): number {
    return this.#batch.value
  }

  set batch(samples: number) {
    this.#batch.value = samples
  }

  /** Tells the kernels which thread runs them, 0 to `parts` − 1, and so which part of the data to process. */
  takePart(part: number, parts: number): void {
    this.#part.value = part
    this.#parts.value = parts
  }
}

/**
 * The WebAssembly memory of one network, with the main thread's instance of the kernels. Typed arrays taken from it are
 * valid until `reserve` grows the memory.
 */
export class Arena extends ThreadKernels {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  #floats!: Float32Array
  #integers!: Int32Array
  #doubles!: Float64Array

  constructor(module: WebAssembly.Module) {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: MEMORY_LIMIT / PAGE, shared: true })
    super(module, memory)
    this.module = module
    this.memory = memory
    this.#view()
  }

  /** Size of the network's WebAssembly memory in bytes. */
  get bytes(): number {
    return this.memory.buffer.byteLength
  }

  /** The network's memory as float32 numbers; index = byte address / 4. */
  get floats(): Float32Array {
    return this.#floats
  }

  /** The network's memory as int32 numbers; index = byte address / 4. */
  get integers(): Int32Array {
    return this.#integers
  }

  /** The network's memory as float64 numbers; index = byte address / 8. */
  get doubles(): Float64Array {
    return this.#doubles
  }

  /**
   * Grows the network's memory to at least `bytes` bytes. @param what name of the user of the memory, for the error
   * @throws BenchError `unsupported` if the system does not grant the memory
   */
  reserve(bytes: number, what: string): void {
    if (bytes <= this.bytes) return
    try {
      this.memory.grow(Math.ceil((bytes - this.bytes) / PAGE))
    } catch (cause) {
      const gigabytes = (bytes / 2 ** 30).toFixed(2)
      throw new BenchError(
        'unsupported',
        `${what}: needs ${gigabytes} GB, more than could be had; use a smaller batch`,
        {
          cause,
        },
      )
    }
    this.#view()
  }

  #view(): void {
    this.#floats = new Float32Array(this.memory.buffer)
    this.#integers = new Int32Array(this.memory.buffer)
    this.#doubles = new Float64Array(this.memory.buffer)
  }
}

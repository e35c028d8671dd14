/** The compiled kernels and the memory that one network lives in. */
import { readFile } from 'node:fs/promises'
import { BenchError } from '../../../core/errors.ts'
import type { Arithmetic } from '../../../core/executor.ts'
import type { signatures } from './signatures.ts'

export type KernelName = keyof typeof signatures
export type Kernels = Readonly<Record<KernelName, (...args: number[]) => number>>

const PAGE = 65536
/** An address in the first page that no module has data at. */
const FREE = PAGE / 2
/** What a 32-bit module can address. */
export const MEMORY_LIMIT = 65536 * PAGE

/** The two builds of the kernels: multiply-adds in two roundings (the same bits on every machine), or in one. */
export type KernelArithmetic = Extract<Arithmetic, 'deterministic' | 'fused'>

const modules = new Map<KernelArithmetic, Promise<WebAssembly.Module>>()

/**
 * Compiles a module that lies beside this file, once a process.
 * @throws BenchError `unsupported` for `fused` where Node.js has no relaxed SIMD or the processor no fused multiply-add
 */
export function kernelModule(arithmetic: KernelArithmetic): Promise<WebAssembly.Module> {
  const module = modules.get(arithmetic) ?? (arithmetic === 'fused' ? compileFused() : compile('kernels.wasm'))
  modules.set(arithmetic, module)
  return module
}

const compile = async (name: string) => WebAssembly.compile(await readModule(name))
const readModule = (name: string) => readFile(new URL(name, import.meta.url))

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
 * Whether −(1 + 2⁻¹¹) + (1 + 2⁻¹²)² keeps its last term, 2⁻²⁴: relaxed SIMD leaves the choice to the host, and only with
 * one rounding are the results those of every other host with one rounding.
 */
function roundsOnce({ kernels, floats }: Arena): boolean {
  const [y, x] = [FREE, FREE + 16]
  floats.fill(-(1 + 2 ** -11), y / 4, y / 4 + 4)
  floats.fill(1 + 2 ** -12, x / 4, x / 4 + 4)
  kernels.axpy(y, 1 + 2 ** -12, x, 4)
  return floats[y / 4] === 2 ** -24
}

/** What a thread computes with: an instance of the kernels over a memory that others may share. */
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

  /** Number of samples that the kernels work on. */
  get batch(): number {
    return this.#batch.value
  }

  set batch(samples: number) {
    this.#batch.value = samples
  }

  /** Which of so many threads this is. */
  takePart(part: number, parts: number): void {
    this.#part.value = part
    this.#parts.value = parts
  }
}

/** The memory that one network lives in, with the kernels of the host's thread. Views are made anew where it has grown. */
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

  get bytes(): number {
    return this.memory.buffer.byteLength
  }

  /** All memory as 32-bit floats: address / 4. */
  get floats(): Float32Array {
    return this.#floats
  }

  /** All memory as 32-bit integers: address / 4. */
  get integers(): Int32Array {
    return this.#integers
  }

  /** All memory as doubles: address / 8. */
  get doubles(): Float64Array {
    return this.#doubles
  }

  /** @throws BenchError `unsupported` where `bytes` cannot be had */
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

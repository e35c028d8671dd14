/** The compiled kernels and the memory that one network lives in. */
import { readFile } from 'node:fs/promises'
import { BenchError } from '../../../core/errors.ts'
import type { signatures } from './signatures.ts'

export type KernelName = keyof typeof signatures
export type Kernels = Readonly<Record<KernelName, (...args: number[]) => number>>

const PAGE = 65536
/** What a 32-bit module can address. */
export const MEMORY_LIMIT = 65536 * PAGE

export interface KernelModule {
  readonly module: WebAssembly.Module
  /** True where results are the same bits on every machine: no fused multiply-add. */
  readonly deterministic: boolean
}

const modules = new Map<boolean, Promise<KernelModule>>()

/** Compiles a module that lies beside this file, once a process: the relaxed one where it may and can be used. */
export function kernelModule(deterministic: boolean): Promise<KernelModule> {
  const module = modules.get(deterministic) ?? compileModule(deterministic)
  modules.set(deterministic, module)
  return module
}

async function compileModule(deterministic: boolean): Promise<KernelModule> {
  const relaxed = deterministic ? undefined : await readModule('kernels-relaxed.wasm')
  if (relaxed !== undefined && WebAssembly.validate(relaxed)) {
    return { module: await WebAssembly.compile(relaxed), deterministic: false }
  }
  return { module: await WebAssembly.compile(await readModule('kernels.wasm')), deterministic: true }
}

const readModule = (name: string) => readFile(new URL(name, import.meta.url))

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

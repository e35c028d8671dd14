/**
 * Vectors as long as all weights of one network, in the network's WebAssembly memory. Weights and momentum have fixed
 * addresses; other vectors lie in slots behind the data of the compiled network.
 */
import { BenchError } from '../../../core/errors.ts'
import type { WeightVector } from '../../../core/executor.ts'
import { pluralize } from '../../../core/plainText.ts'
import { align } from '../../plan/placement.ts'
import type { Arena } from '../module/module.ts'

/** A vector as long as all weights of a network, stored in the network's WebAssembly memory. */
export class ArenaVector implements WeightVector {
  readonly length: number
  readonly #arena: Arena
  readonly #address: number
  readonly #release: () => void

  constructor(arena: Arena, address: number, length: number, release: () => void = () => {}) {
    this.length = length
    this.#arena = arena
    this.#address = address
    this.#release = release
  }

  assign(x: WeightVector): void {
    const { floats } = this.#arena
    const from = this.#addressOf(x) / 4
    floats.copyWithin(this.#address / 4, from, from + this.length)
  }

  axpy(a: number, x: WeightVector): void {
    this.#arena.kernels.axpy(this.#address, a, this.#addressOf(x), this.length)
  }

  scale(a: number): void {
    this.#arena.kernels.scale(this.#address, a, this.length)
  }

  async dot(x: WeightVector): Promise<number> {
    return this.#arena.kernels.dot(this.#address, this.#addressOf(x), this.length)
  }

  async norm(): Promise<number> {
    return Math.sqrt(this.#arena.kernels.dot(this.#address, this.#address, this.length))
  }

  async read(): Promise<Float32Array> {
    return this.copy()
  }

  /** Returns a copy of all entries of the vector. */
  copy(): Float32Array {
    return this.#arena.floats.slice(this.#address / 4, this.#address / 4 + this.length)
  }

  write(values: Float32Array): void {
    if (values.length !== this.length) {
      throw new BenchError('bad-input', `a weight vector has ${pluralize(this.length, 'number')}, not ${values.length}`)
    }
    this.#arena.floats.set(values, this.#address / 4)
  }

  dispose(): void {
    this.#release()
  }

  #addressOf(x: WeightVector): number {
    if (x instanceof ArenaVector && x.#arena === this.#arena && x.length === this.length) return x.#address
    throw new BenchError('bad-input', 'weight vectors of different networks cannot be combined; read and write instead')
  }
}

/** Allocates weight vectors of one network in slots of equal size; the slot of a disposed vector is reused. */
export class VectorHeap {
  readonly #arena: Arena
  readonly #length: number
  readonly #name: string
  readonly #free: number[] = []
  #end: number

  /** Makes an allocator that has no slots yet. @param base address of the first free byte of the memory */
  constructor(arena: Arena, base: number, length: number, name: string) {
    this.#arena = arena
    this.#length = length
    this.#name = name
    this.#end = align(base)
  }

  /** Returns a new weight vector of zeros. @throws BenchError `unsupported` if the memory is used up */
  allocate(): ArenaVector {
    const address = this.#free.pop() ?? this.#grow()
    const bytes = align(this.#length * 4)
    this.#arena.floats.fill(0, address / 4, (address + bytes) / 4)
    let held = true
    return new ArenaVector(this.#arena, address, this.#length, () => {
      if (held) this.#free.push(address)
      held = false
    })
  }

  #grow(): number {
    const address = this.#end
    const end = address + align(this.#length * 4)
    this.#arena.reserve(end, `${this.#name}, one more weight vector`)
    this.#end = end
    return address
  }
}

/** The compiled kernel that makes the network's input of a decoded window, and the memory that it works in. */
import { readFile } from 'node:fs/promises'
import type { ChannelStatistics } from '../batches/normalisation.ts'
import type { ColourMap, Rgb } from './colourJitter.ts'
import type { Size, Window } from './resizedCrop.ts'

/** Decoded pixels and what of them is meant. */
export interface DecodedWindow extends Size {
  /** Eight-bit RGB, row after row. */
  readonly pixels: Uint8Array
  /** In these pixels; not whole where the decoder left out detail. */
  readonly window: Window
}

/** What becomes of a window. */
export interface Finish {
  /** Of the network's input, in pixels. */
  readonly side: number
  readonly mirrored: boolean
  /** The change of colours, given the mean colour of the scaled window, 0 … 1. */
  colours(mean: Rgb): ColourMap
  readonly statistics: ChannelStatistics
}

interface Exports {
  readonly memory: WebAssembly.Memory
  tableBytes(extent: number, to: number): number
  scale(...values: number[]): void
  meanColour(image: number, side: number, result: number): void
  recolour(image: number, pixels: number, map: number, output: number): void
}

const PAGE = 65536
/** Bytes of a vector of four floats. */
const VECTOR = 16
/** The kernel's own constants lie below. */
const START = 1024

/** One thread's: a photograph at a time. */
export class PhotographKernel {
  readonly #exports: Exports

  private constructor(module: WebAssembly.Module) {
    this.#exports = new WebAssembly.Instance(module).exports as unknown as Exports
  }

  static async open(): Promise<PhotographKernel> {
    return new PhotographKernel(await WebAssembly.compile(await readFile(new URL('photograph.wasm', import.meta.url))))
  }

  /**
   * Scales the window, bilinear and antialiased, changes its colours, clamps them to 0 … 1 and normalises.
   * @param target overwritten with [side, side, 3]
   */
  finish(decoded: DecodedWindow, { side, mirrored, colours, statistics }: Finish, target: Float32Array): void {
    const { pixels, width, height, window } = decoded
    const { scale, meanColour, recolour, tableBytes } = this.#exports
    const map = START
    const scaled = map + 6 * VECTOR
    const output = scaled + side * side * VECTOR
    const input = output + VECTOR * Math.ceil((side * side * 12) / VECTOR + 1)
    const scratch = input + VECTOR * Math.ceil(pixels.length / VECTOR + 1)
    const tables = tableBytes(window.width, side) + tableBytes(window.height, side)
    this.#reserve(scratch + tables + width * 12 + 2 * VECTOR)
    const { buffer } = this.#exports.memory
    new Uint8Array(buffer).set(pixels, input)
    const part = [window.left, window.top, window.width, window.height]
    scale(input, width, height, ...part, scaled, side, Number(mirrored), scratch)
    meanColour(scaled, side, map)
    const [red, green, blue] = new Float32Array(buffer, map, 3)
    const vectors = normalised(colours([red / 255, green / 255, blue / 255]), statistics)
    new Float32Array(buffer, map, vectors.length).set(vectors)
    recolour(scaled, side * side, map, output)
    target.set(new Float32Array(buffer, output, target.length))
  }

  #reserve(bytes: number): void {
    const { memory } = this.#exports
    const missing = bytes - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
  }
}

/**
 * (clamp(M·x / 255 + o) − mean) / std, the normalisation folded into matrix, offset and limits.
 * → the six vectors of the kernel: columns of the matrix, offset, least, most
 */
function normalised({ matrix, offset }: ColourMap, { mean, std }: ChannelStatistics): number[] {
  const column = (j: number) => [...matrix.map((row, i) => row[j] / 255 / std[i]), 0]
  const shifted = (values: Rgb) => [...values.map((value, i) => (value - mean[i]) / std[i]), 0]
  return [column(0), column(1), column(2), shifted(offset), shifted([0, 0, 0]), shifted([1, 1, 1])].flat()
}

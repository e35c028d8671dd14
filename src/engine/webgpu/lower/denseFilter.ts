/** A dense filter: forward, its own gradient, and the gradient wrt what it reads. */
import type { Temporary } from '../../graph/placement.ts'
import { convolve, tileFor } from '../kernels/convolve.ts'
import { filterGradient, gradientTileFor, lanesFor, sumChunks } from '../kernels/filterGradient.ts'
import { fixedGrid, type Grid } from '../program.ts'
import { evenChunks } from './chunks.ts'
import type { Context, Quads } from './context.ts'
import type { FilterEmitter, FilterSite } from './filter.ts'

/** What a device gives to each dimension of a grid. */
const LARGEST_GRID = 65535

export class DenseFilter implements FilterEmitter {
  readonly #context: Context
  readonly #site: FilterSite
  readonly #input: Quads
  readonly #output: Quads

  constructor(context: Context, site: FilterSite) {
    this.#context = context
    this.#site = site
    this.#input = context.extent(site.input)
    this.#output = context.extent(site.filter.output)
  }

  forward(): void {
    const { input, filter, condition } = this.#site
    const { program, state } = this.#context
    program.emit(convolve(tileFor(this.#output.quads).columns), {
      buffers: {
        source: this.#context.value(input),
        weights: state.weights,
        image: this.#context.value(input),
        result: this.#context.value(filter.output),
      },
      args: { ...this.#geometry(this.#input, this.#output), ...this.#weights(), transposed: 0, accumulate: 0 },
      grid: tileGrid(this.#output),
      condition,
    })
  }

  backward(gradient: Temporary): void {
    this.#filterGradient(gradient)
    this.#inputGradient(gradient)
  }

  #filterGradient(gradient: Temporary): void {
    const { input, filter, relu, condition } = this.#site
    const { program, state, batchSize } = this.#context
    const { columns, rows } = gradientTileFor(this.#output.quads)
    const { quads } = this.#input
    const depth = filter.window.height * filter.window.width * quads
    const tiles = [Math.ceil(depth / rows), Math.ceil(this.#output.quads / columns)] as const
    const pixels = batchSize * this.#output.pixelsPerSample
    const { count, perChunk } = evenChunks(pixels, tiles[0] * tiles[1], 256, 16)
    const lanes = lanesFor(count)
    const chunks = program.temporary(count * depth * 4 * this.#output.channels * 4, 'filter gradients by chunk')
    const { height, width, stride, padding, dilation } = filter.window
    program.emit(filterGradient(columns), {
      buffers: { source: this.#context.value(input), gradient, chunks },
      args: {
        ...{ height: this.#input.height, width: this.#input.width, quads },
        ...{ gradientHeight: this.#output.height, gradientWidth: this.#output.width },
        gradientQuads: this.#output.quads,
        ...{ kernelHeight: height, kernelWidth: width, stride, padding, dilation, pixelsPerChunk: perChunk },
        relu: Number(relu),
      },
      grid: () => [count, ...tiles],
      condition,
      when: 'weights',
    })
    const channels = this.#context.shape(input).channels
    program.emit(sumChunks, {
      buffers: { chunks, gradient: state.gradient },
      args: {
        ...{ chunkCount: count, lanes, rows: 4 * depth, storedRows: this.#input.channels, denseRows: channels },
        ...{ quads: this.#output.quads, columns: this.#context.shape(filter.output).channels },
        parameter: this.#context.parameter(filter.parameter),
      },
      grid: fixedGrid(4 * depth * this.#output.quads * lanes),
      condition,
      when: 'weights',
    })
  }

  #inputGradient(gradient: Temporary): void {
    const { input, condition } = this.#site
    const { program, state } = this.#context
    const target = this.#context.gradient(input)
    if (target === undefined) return
    const accumulate = target.accumulate(condition)
    const buffers = { source: gradient, weights: state.weights, result: target.buffer }
    program.emit(convolve(tileFor(this.#input.quads).columns), {
      buffers: { ...buffers, image: this.#context.value(input) },
      args: { ...this.#geometry(this.#output, this.#input), ...this.#weights(), transposed: 1, accumulate },
      grid: tileGrid(this.#input),
      condition,
    })
  }

  #geometry(source: Quads, result: Quads) {
    const { height, width, stride, padding, dilation } = this.#site.filter.window
    return {
      ...{ height: source.height, width: source.width, quads: source.quads },
      ...{ resultHeight: result.height, resultWidth: result.width, resultQuads: result.quads },
      ...{ kernelHeight: height, kernelWidth: width, stride, padding, dilation },
      relu: Number(this.#site.relu),
    }
  }

  #weights(): { weight: number; inputs: number; outputs: number } {
    const { input, filter } = this.#site
    return {
      weight: this.#context.parameter(filter.parameter),
      inputs: this.#context.shape(input).channels,
      outputs: this.#context.shape(filter.output).channels,
    }
  }
}

/** A workgroup a tile: its pixels along x, and along y where there are very many; its channels along z. */
function tileGrid({ pixelsPerSample, quads }: Quads): Grid {
  const { pixels, columns } = tileFor(quads)
  const z = Math.ceil(quads / columns)
  return (samples) => {
    const tiles = Math.ceil((samples * pixelsPerSample) / pixels)
    return [Math.min(tiles, LARGEST_GRID), Math.ceil(tiles / LARGEST_GRID), z]
  }
}

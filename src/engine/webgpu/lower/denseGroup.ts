/** Dense filters of one input: forward, their own gradients, and the gradient wrt what they read. */
import { convolve, convolveBack, tileFor } from '../kernels/convolve.ts'
import { filterGradient, gradientTileFor } from '../kernels/filterGradient.ts'
import type { Grid } from '../program.ts'
import type { Lent } from '../storage.ts'
import type { Context } from './context.ts'
import { tilesOf } from './filterCuts.ts'
import type { FilterGroupEmitter, GradientBuffers, GroupSite } from './filterGroup.ts'
import { convolutionTile } from './momentPlaces.ts'
import type { Quads } from './quads.ts'

/** What a device gives to each dimension of a grid. */
const LARGEST_GRID = 65535

export class DenseGroup implements FilterGroupEmitter {
  readonly #context: Context
  readonly #site: GroupSite
  readonly #input: Quads
  /** Quads of the widest output. */
  readonly #quads: number

  constructor(context: Context, site: GroupSite) {
    this.#context = context
    this.#site = site
    this.#input = context.extent(site.convolution.input)
    this.#quads = Math.max(...site.group.filters.map(({ output }) => output.quads))
  }

  forward(): void {
    const { group, convolution, condition } = this.#site
    const { input, relu } = convolution
    const { program, state, tables } = this.#context
    const { filters, flags, moments } = tables
    const { columns, pixels } = convolutionTile(this.#context.graph, convolution)
    const tiles = Math.ceil(this.#quads / columns)
    program.emit(convolve(columns), {
      buffers: {
        ...{ filters, flags, weights: state.weights },
        source: this.#context.value(input),
        results: this.#context.outputs(group),
        moments,
      },
      args: { first: group.first, tiles, ...this.#source(), inputs: group.filters[0].inputs, relu: Number(relu) },
      grid: tileGrid(tiles * group.filters.length, largest(group.filters, 'pixelsPerSample'), pixels),
      condition,
    })
  }

  backward(gradients: GradientBuffers, chunks: Lent): void {
    this.#filterGradients(gradients, chunks)
    this.#inputGradient(gradients)
  }

  #filterGradients(gradients: GradientBuffers, chunks: Lent): void {
    const { group, convolution, condition } = this.#site
    const { input, relu } = convolution
    const { program, tables } = this.#context
    const { filters, flags } = tables
    const { columns } = gradientTileFor(this.#quads)
    const tiles = group.filters.map((filter) => tilesOf(filter, columns))
    const rows = Math.max(...tiles.map(([own]) => own))
    const across = Math.max(...tiles.map(([, own]) => own))
    const chunkCount = Math.max(...group.filters.map(({ record }) => record.chunkCount))
    program.emit(filterGradient(columns, group.givers.length), {
      buffers: { filters, flags, source: this.#context.value(input), chunks, ...gradients },
      args: { first: group.first, tiles: across, ...this.#source(), relu: Number(relu) },
      grid: () => [chunkCount, rows, across * group.filters.length],
      condition,
      when: 'weights',
    })
  }

  #inputGradient(gradients: GradientBuffers): void {
    const { group, convolution, condition } = this.#site
    const { input, relu } = convolution
    const { program, state, tables } = this.#context
    const { filters, flags } = tables
    const target = this.#context.gradient(input)
    if (target === undefined) return
    const accumulate = target.accumulate(condition)
    const { columns, pixels } = tileFor(this.#input.quads)
    const tiles = Math.ceil(this.#input.quads / columns)
    program.emit(convolveBack(columns, relu, group.givers.length), {
      buffers: {
        ...{ filters, flags, weights: state.weights },
        result: target.buffer,
        ...(relu && { image: this.#context.value(input) }),
        ...gradients,
      },
      args: {
        ...{ first: group.first, count: group.filters.length, tiles, ...this.#source() },
        ...{ inputs: group.filters[0].inputs, accumulate },
      },
      grid: tileGrid(tiles, this.#input.pixelsPerSample, pixels),
      condition,
    })
  }

  #source(): Pick<Quads, 'height' | 'width' | 'quads'> {
    const { height, width, quads } = this.#input
    return { height, width, quads }
  }
}

const largest = (filters: GroupSite['group']['filters'], name: 'pixelsPerSample') =>
  Math.max(...filters.map(({ output }) => output[name]))

/** A workgroup a tile: what goes over the same pixels along x, pixels along y, and along z where there are very many. */
function tileGrid(across: number, pixelsPerSample: number, pixels: number): Grid {
  return (samples) => {
    const tiles = Math.ceil((samples * pixelsPerSample) / pixels)
    return [across, Math.min(tiles, LARGEST_GRID), Math.ceil(tiles / LARGEST_GRID)]
  }
}

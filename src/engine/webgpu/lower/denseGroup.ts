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
    const { program, graph, state, tables } = this.#context
    const { filters, flags, moments, vectors } = tables
    const { columns, pixels } = convolutionTile(graph, convolution)
    const tiles = Math.ceil(this.#quads / columns)
    const { source, args } = this.#read()
    program.emit(convolve(columns), {
      buffers: {
        filters,
        flags,
        weights: state.weights,
        vectors,
        source,
        results: this.#context.outputs(group),
        moments,
      },
      args: { ...args, first: group.first, tiles, inputs: group.filters[0].inputs },
      grid: tileGrid(tiles * group.filters.length, largest(group.filters, 'pixelsPerSample'), pixels),
      condition,
    })
  }

  backward(gradients: GradientBuffers, chunks: Lent): void {
    this.#filterGradients(gradients, chunks)
    this.#inputGradient(gradients)
  }

  #filterGradients(gradients: GradientBuffers, chunks: Lent): void {
    const { group, condition } = this.#site
    const { program, tables } = this.#context
    const { filters, flags, vectors } = tables
    const { columns } = gradientTileFor(this.#quads)
    const tiles = group.filters.map((filter) => tilesOf(filter, columns))
    const rows = Math.max(...tiles.map(([own]) => own))
    const across = Math.max(...tiles.map(([, own]) => own))
    const chunkCount = Math.max(...group.filters.map(({ record }) => record.chunkCount))
    const { source, args } = this.#read()
    program.emit(filterGradient(columns, group.givers.length), {
      buffers: { filters, flags, vectors, source, chunks, ...gradients },
      args: { ...args, first: group.first, tiles: across },
      grid: () => [chunkCount, rows, across * group.filters.length],
      condition,
      when: 'weights',
    })
  }

  #inputGradient(gradients: GradientBuffers): void {
    const { group, convolution, condition } = this.#site
    const { input, relu } = convolution
    const { program, state, tables } = this.#context
    const { filters, flags, vectors } = tables
    const target = this.#context.gradient(input)
    if (target === undefined) return
    const accumulate = target.accumulate(condition)
    const { columns, pixels } = tileFor(this.#input.quads)
    const tiles = Math.ceil(this.#input.quads / columns)
    const { source, args } = this.#read()
    program.emit(convolveBack(columns, relu, group.givers.length), {
      buffers: {
        ...{ filters, flags, weights: state.weights, result: target.buffer },
        ...(relu && { image: source, vectors }),
        ...gradients,
      },
      args: {
        ...{ ...args, first: group.first, count: group.filters.length, tiles },
        ...{ inputs: group.filters[0].inputs, accumulate },
      },
      grid: tileGrid(tiles, this.#input.pixelsPerSample, pixels),
      condition,
    })
  }

  #read() {
    const { input, relu } = this.#site.convolution
    return this.#context.read(input, relu)
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

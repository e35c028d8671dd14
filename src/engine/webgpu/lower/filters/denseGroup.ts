/** Dense filters of one input: forward, their own gradients, and the gradient wrt what they read. */
import { convolve, convolveBack } from '../../kernels/convolve.ts'
import { filterGradient } from '../../kernels/filterGradient.ts'
import type { Grid } from '../../plan/program.ts'
import type { Transient } from '../../plan/storage.ts'
import type { Context } from '../context.ts'
import type { Quads } from '../quads.ts'
import { extentsOf } from './filterCuts.ts'
import type { FilterGroupEmitter, GradientBuffers } from './filterGroup.ts'
import type { FilterGroup } from './filterPlaces.ts'
import { conditionOf, filterGradientOf, forwardOf, inputGradientOf } from './groupBuffers.ts'
import { gradientTileFor, tileFor, tileOver, tilesAcross } from './tiles.ts'

/** What a device gives to each dimension of a grid. */
const LARGEST_GRID = 65535

export class DenseGroup implements FilterGroupEmitter {
  readonly #context: Context
  readonly #group: FilterGroup
  readonly #condition: number
  readonly #input: Quads
  /** Quads of the widest output. */
  readonly #quads: number

  constructor(context: Context, group: FilterGroup) {
    this.#context = context
    this.#group = group
    this.#condition = conditionOf(context, group)
    this.#input = context.extent(group.inputs[0])
    this.#quads = Math.max(...group.filters.map(({ output }) => output.quads))
  }

  forward(): void {
    const group = this.#group
    const condition = this.#condition
    const { program, tables } = this.#context
    const tile = tileFor(this.#quads)
    const tiles = Math.ceil(this.#quads / tile.columns)
    const { buffers, args } = forwardOf(this.#context, group)
    const pixelsPerSample = Math.max(...group.filters.map(({ output }) => output.pixelsPerSample))
    program.emit(convolve(tile), {
      buffers: { ...buffers, moments: tables.moments },
      args: { ...args, tiles, inputs: group.filters[0].inputs },
      grid: tileGrid(tiles * group.filters.length, pixelsPerSample, tile.pixels),
      condition,
    })
  }

  backward(gradients: GradientBuffers, chunks: Transient): void {
    this.#filterGradients(gradients, chunks)
    this.#inputGradient(gradients)
  }

  #filterGradients(gradients: GradientBuffers, chunks: Transient): void {
    const group = this.#group
    const condition = this.#condition
    const extents = group.filters.map(extentsOf)
    const tile = gradientTileFor(extents)
    const tiles = extents.map((own) => tilesAcross(own, tile))
    const rows = Math.max(...tiles.map(([own]) => own))
    const across = Math.max(...tiles.map(([, own]) => own))
    const chunkCount = Math.max(...group.filters.map(({ record }) => record.chunkCount))
    const { buffers, args } = filterGradientOf(this.#context, group, gradients, chunks)
    this.#context.program.emit(filterGradient(tile, group.gradientSources.length), {
      buffers,
      args: { ...args, tiles: across },
      grid: () => [chunkCount, rows, across * group.filters.length],
      condition,
      when: 'weights',
    })
  }

  #inputGradient(gradients: GradientBuffers): void {
    const group = this.#group
    const condition = this.#condition
    const common = inputGradientOf(this.#context, group, gradients, condition)
    if (common === undefined) return
    const { buffers, args, results } = common
    const { quads, pixelsPerSample } = this.#input
    const tile = tileOver(quads, results * this.#context.batchSize * pixelsPerSample)
    const tiles = Math.ceil(quads / tile.columns)
    this.#context.program.emit(convolveBack(tile, group.relu, group.gradientSources.length), {
      buffers,
      args: { ...args, tiles, inputs: group.filters[0].inputs },
      grid: tileGrid(tiles * results, pixelsPerSample, tile.pixels),
      condition,
    })
  }
}

/** A workgroup a tile: what goes over the same pixels along x, pixels along y, and along z where there are very many. */
function tileGrid(across: number, pixelsPerSample: number, pixels: number): Grid {
  return (samples) => {
    const tiles = Math.ceil((samples * pixelsPerSample) / pixels)
    return [across, Math.min(tiles, LARGEST_GRID), Math.ceil(tiles / LARGEST_GRID)]
  }
}

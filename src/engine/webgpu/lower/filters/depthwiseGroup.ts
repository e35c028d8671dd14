/** Depthwise filters of one input: forward, their own gradients, and the gradient wrt what they read. */
import { DEPTHWISE_COLUMNS, depthwise, depthwiseBack, depthwiseFilterGradient } from '../../kernels/depthwise.ts'
import { type Grid, itemGrid } from '../../plan/program.ts'
import type { Transient } from '../../plan/storage.ts'
import type { Context } from '../context.ts'
import type { Quads } from '../quads.ts'
import type { FilterGroupEmitter, GradientBuffers } from './filterGroup.ts'
import type { FilterGroup, PlacedFilter } from './filterPlaces.ts'
import { conditionOf, filterGradientOf, forwardOf, inputGradientOf } from './groupBuffers.ts'

export class DepthwiseGroup implements FilterGroupEmitter {
  readonly #context: Context
  readonly #group: FilterGroup
  readonly #condition: number
  readonly #input: Quads

  constructor(context: Context, group: FilterGroup) {
    this.#context = context
    this.#group = group
    this.#condition = conditionOf(context, group)
    this.#input = context.extent(group.inputs[0])
  }

  forward(): void {
    const group = this.#group
    const condition = this.#condition
    const items = itemGrid(Math.max(...group.filters.map(({ output }) => output.quadsPerSample)))
    const grid: Grid = (samples, most) => [items(samples, most)[0], group.filters.length, 1]
    this.#context.program.emit(depthwise, { ...forwardOf(this.#context, group), grid, condition })
  }

  backward(gradients: GradientBuffers, chunks: Transient): void {
    let { first } = this.#group
    for (const run of equallyWide(this.#group.filters)) {
      this.#filterGradients(first, run, gradients, chunks)
      first += run.length
    }
    this.#inputGradient(gradients)
  }

  #filterGradients(first: number, run: readonly PlacedFilter[], gradients: GradientBuffers, chunks: Transient): void {
    const group = this.#group
    const condition = this.#condition
    const blocks = Math.ceil(this.#input.quads / DEPTHWISE_COLUMNS)
    const chunkCount = Math.max(...run.map(({ record }) => record.chunkCount))
    const rows = Math.max(...run.map(({ record }) => record.kernelHeight))
    const { buffers, args } = filterGradientOf(this.#context, group, gradients, chunks)
    this.#context.program.emit(depthwiseFilterGradient(run[0].record.kernelWidth), {
      buffers,
      args: { ...args, first, blocks },
      grid: () => [chunkCount, rows, blocks * run.length],
      condition,
      when: 'weights',
    })
  }

  #inputGradient(gradients: GradientBuffers): void {
    const condition = this.#condition
    const common = inputGradientOf(this.#context, this.#group, gradients, condition)
    if (common === undefined) return
    const { buffers, args, results } = common
    const items = itemGrid(this.#input.quadsPerSample)
    this.#context.program.emit(depthwiseBack(this.#group.relu), {
      buffers,
      args,
      grid: (samples, most) => [items(samples, most)[0], results, 1],
      condition,
    })
  }
}

/** @param filters in order of their widths */
function equallyWide(filters: readonly PlacedFilter[]): PlacedFilter[][] {
  const widths = [...new Set(filters.map(({ record }) => record.kernelWidth))]
  return widths.map((width) => filters.filter(({ record }) => record.kernelWidth === width))
}

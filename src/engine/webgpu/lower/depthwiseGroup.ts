/** Depthwise filters of one input: forward, their own gradients, and the gradient wrt what they read. */
import { DEPTHWISE_COLUMNS, depthwise, depthwiseBack, depthwiseFilterGradient } from '../kernels/depthwise.ts'
import { type Grid, itemGrid } from '../program.ts'
import type { Lent } from '../storage.ts'
import type { Context } from './context.ts'
import type { FilterGroupEmitter, GradientBuffers, GroupSite } from './filterGroup.ts'
import type { PlacedFilter } from './filterPlaces.ts'
import type { Quads } from './quads.ts'

export class DepthwiseGroup implements FilterGroupEmitter {
  readonly #context: Context
  readonly #site: GroupSite
  readonly #input: Quads

  constructor(context: Context, site: GroupSite) {
    this.#context = context
    this.#site = site
    this.#input = context.extent(site.convolution.input)
  }

  forward(): void {
    const { group, condition } = this.#site
    const { program, state, tables } = this.#context
    const { filters, flags, vectors } = tables
    const items = itemGrid(Math.max(...group.filters.map(({ output }) => output.quadsPerSample)))
    const grid: Grid = (samples, most) => [items(samples, most)[0], group.filters.length, 1]
    const { source, args } = this.#read()
    program.emit(depthwise, {
      buffers: { filters, flags, weights: state.weights, vectors, source, results: this.#context.outputs(group) },
      args: { ...args, first: group.first },
      grid,
      condition,
    })
  }

  backward(gradients: GradientBuffers, chunks: Lent): void {
    let { first } = this.#site.group
    for (const run of equallyWide(this.#site.group.filters)) {
      this.#filterGradients(first, run, gradients, chunks)
      first += run.length
    }
    this.#inputGradient(gradients)
  }

  #filterGradients(first: number, run: readonly PlacedFilter[], gradients: GradientBuffers, chunks: Lent): void {
    const { condition } = this.#site
    const { program, tables } = this.#context
    const { filters, flags, vectors } = tables
    const blocks = Math.ceil(this.#input.quads / DEPTHWISE_COLUMNS)
    const chunkCount = Math.max(...run.map(({ record }) => record.chunkCount))
    const rows = Math.max(...run.map(({ record }) => record.kernelHeight))
    const { source, args } = this.#read()
    program.emit(depthwiseFilterGradient(run[0].record.kernelWidth), {
      buffers: { filters, flags, vectors, source, chunks, ...gradients },
      args: { ...args, first, blocks },
      grid: () => [chunkCount, rows, blocks * run.length],
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
    const { source, args } = this.#read()
    program.emit(depthwiseBack(relu), {
      buffers: {
        ...{ filters, flags, weights: state.weights, result: target.buffer },
        ...(relu && { image: source, vectors }),
        ...gradients,
      },
      args: { ...args, first: group.first, count: group.filters.length, accumulate },
      grid: itemGrid(this.#input.quadsPerSample),
      condition,
    })
  }

  #read() {
    const { input, relu } = this.#site.convolution
    return this.#context.read(input, relu)
  }
}

/** @param filters in order of their widths */
function equallyWide(filters: readonly PlacedFilter[]): PlacedFilter[][] {
  const widths = [...new Set(filters.map(({ record }) => record.kernelWidth))]
  return widths.map((width) => filters.filter(({ record }) => record.kernelWidth === width))
}

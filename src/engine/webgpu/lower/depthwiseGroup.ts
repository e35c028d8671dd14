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
    const { group, convolution, condition } = this.#site
    const { input, relu } = convolution
    const { program, state, tables } = this.#context
    const { filters, flags } = tables
    const items = itemGrid(Math.max(...group.filters.map(({ output }) => output.quadsPerSample)))
    const grid: Grid = (samples, most) => [items(samples, most)[0], group.filters.length, 1]
    program.emit(depthwise, {
      buffers: {
        ...{ filters, flags, weights: state.weights },
        source: this.#context.value(input),
        results: this.#context.outputs(group),
      },
      args: { first: group.first, ...this.#source(), relu: Number(relu) },
      grid,
      condition,
    })
  }

  backward(gradients: GradientBuffers, chunks: Lent): void {
    let first = this.#site.group.first
    for (const run of equallyWide(this.#site.group.filters)) {
      this.#filterGradients(first, run, gradients, chunks)
      first += run.length
    }
    this.#inputGradient(gradients)
  }

  #filterGradients(first: number, run: readonly PlacedFilter[], gradients: GradientBuffers, chunks: Lent): void {
    const { convolution, condition } = this.#site
    const { input, relu } = convolution
    const { program, tables } = this.#context
    const { filters, flags } = tables
    const blocks = Math.ceil(this.#input.quads / DEPTHWISE_COLUMNS)
    const chunkCount = Math.max(...run.map(({ record }) => record.chunkCount))
    const rows = Math.max(...run.map(({ record }) => record.kernelHeight))
    program.emit(depthwiseFilterGradient(run[0].record.kernelWidth), {
      buffers: { filters, flags, source: this.#context.value(input), chunks, ...gradients },
      args: { first, blocks, ...this.#source(), relu: Number(relu) },
      grid: () => [chunkCount, rows, blocks * run.length],
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
    program.emit(depthwiseBack(relu), {
      buffers: {
        ...{ filters, flags, weights: state.weights },
        result: target.buffer,
        ...(relu && { image: this.#context.value(input) }),
        ...gradients,
      },
      args: { first: group.first, count: group.filters.length, ...this.#source(), accumulate },
      grid: itemGrid(this.#input.quadsPerSample),
      condition,
    })
  }

  #source(): Pick<Quads, 'height' | 'width' | 'quads'> {
    const { height, width, quads } = this.#input
    return { height, width, quads }
  }
}

/** @param filters in order of their widths */
function equallyWide(filters: readonly PlacedFilter[]): PlacedFilter[][] {
  const widths = [...new Set(filters.map(({ record }) => record.kernelWidth))]
  return widths.map((width) => filters.filter(({ record }) => record.kernelWidth === width))
}

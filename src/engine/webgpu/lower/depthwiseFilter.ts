/** A depthwise filter: forward, its own gradient, and the gradient wrt what it reads. */
import type { Temporary } from '../../graph/placement.ts'
import { DEPTHWISE_COLUMNS, depthwise, depthwiseFilterGradient } from '../kernels/depthwise.ts'
import { lanesFor, sumChunks } from '../kernels/filterGradient.ts'
import { fixedGrid, itemGrid } from '../program.ts'
import { evenChunks } from './chunks.ts'
import type { Context, Quads } from './context.ts'
import type { FilterEmitter, FilterSite } from './filter.ts'

export class DepthwiseFilter implements FilterEmitter {
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
    program.emit(depthwise, {
      buffers: {
        source: this.#context.value(input),
        weights: state.weights,
        image: this.#context.value(input),
        result: this.#context.value(filter.output),
      },
      args: { ...this.#geometry(this.#input, this.#output), transposed: 0, accumulate: 0 },
      grid: itemGrid(this.#output.quadsPerSample),
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
    const { height, width, quads } = this.#input
    const { height: kernelHeight, width: kernelWidth, stride, padding, dilation } = filter.window
    const blocks = Math.ceil(quads / DEPTHWISE_COLUMNS)
    const { count, perChunk } = evenChunks(batchSize * this.#output.height, kernelHeight * blocks, 16, 1)
    const rows = kernelHeight * kernelWidth
    const lanes = lanesFor(count)
    const chunks = program.temporary(count * rows * this.#input.channels * 4, 'filter gradients by chunk')
    program.emit(depthwiseFilterGradient(kernelWidth), {
      buffers: { source: this.#context.value(input), gradient, chunks },
      args: {
        ...{ height, width, quads, gradientHeight: this.#output.height, gradientWidth: this.#output.width },
        ...{ kernelHeight, stride, padding, dilation, rowsPerChunk: perChunk },
        relu: Number(relu),
      },
      grid: () => [count, kernelHeight, blocks],
      condition,
      when: 'weights',
    })
    program.emit(sumChunks, {
      buffers: { chunks, gradient: state.gradient },
      args: {
        ...{ chunkCount: count, lanes, rows, storedRows: 1, denseRows: 1, quads },
        columns: this.#context.shape(input).channels,
        parameter: this.#context.parameter(filter.parameter),
      },
      grid: fixedGrid(rows * quads * lanes),
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
    program.emit(depthwise, {
      buffers: { ...buffers, image: this.#context.value(input) },
      args: { ...this.#geometry(this.#output, this.#input), transposed: 1, accumulate },
      grid: itemGrid(this.#input.quadsPerSample),
      condition,
    })
  }

  #geometry(source: Quads, result: Quads) {
    const { input, filter, relu } = this.#site
    const { height, width, stride, padding, dilation } = filter.window
    return {
      ...{ height: source.height, width: source.width, quads: source.quads },
      ...{ resultHeight: result.height, resultWidth: result.width },
      ...{ kernelHeight: height, kernelWidth: width, stride, padding, dilation },
      weight: this.#context.parameter(filter.parameter),
      channels: this.#context.shape(input).channels,
      relu: Number(relu),
    }
  }
}

/**
 * Emits the dispatches of convolutions for each group of filters that `filterPlan.ts` has planned. All dispatches of a
 * group are emitted at the place of its first convolution. Kernels apply ReLU while they read the input, and the mask
 * of the ReLU while they write the gradient with respect to the input.
 */
import type { ValueId } from '../../../core/network.ts'
import type { Of } from '../../graph/graph.ts'
import type { Backward, ByPathMask } from '../../plan/lowering.ts'
import { convolve, convolveBack } from '../kernels/convolve.ts'
import { DEPTHWISE_COLUMNS, depthwise, depthwiseBack, depthwiseFilterGradient } from '../kernels/depthwise.ts'
import { filterGradient, sumPartials } from '../kernels/filterGradient.ts'
import { type Grid, itemGrid } from '../plan/program.ts'
import { type Storage, spanOf, type Transient } from '../plan/storage.ts'
import type { Context } from './context.ts'
import type { FilterGroup, PlannedFilter } from './filterPlan.ts'
import { numberedBuffers } from './grouping.ts'
import type { Quads } from './quads.ts'
import type { Summation } from './summations.ts'
import { gradientExtents, gradientTileFor, tileFor, tileOver, tilesAcross } from './workgroups.ts'

/** The largest number of workgroups along each dimension of a dispatch that every WebGPU device allows. */
const LARGEST_GRID = 65535

/**
 * Emits the dispatches of the groups of filters whose first filter belongs to this convolution. A group whose first
 * filter belongs to another convolution is emitted with that one.
 */
export function lowerConvolve(context: Context, _: Of<'convolve'>, index: number): Backward {
  const starting = context.tables.filters.groups.filter(({ operations }) => Math.min(...operations) === index)
  const emitters = starting.map((group) => new emitterOf[group.kind](context, group))
  for (const emitter of emitters) emitter.forward()
  return () => {
    for (const emitter of emitters.toReversed()) {
      const { summation, first } = emitter.group
      emitter.backward()
      if (first === summation.first) emitSummation(context, summation)
    }
  }
}

/** Emits the dispatch that adds up the partial sums of the filter gradients of many groups. */
function emitSummation(context: Context, summation: Summation): void {
  const { program, tables, state } = context
  const { filterRecords: filters, flags } = tables
  const { first, filterCount, workgroups } = summation
  program.emit(sumPartials, {
    buffers: { filters, flags, partialSums: context.partialSums(summation), gradient: state.gradient },
    args: { first },
    grid: (_, most) => [Math.min(most, workgroups), filterCount, 1],
    when: 'weights',
  })
}

/**
 * The buffers from which kernels read gradients with respect to filter outputs, under the names that `outputGradient`
 * in `kernels/readers.ts` gives them.
 */
type GradientBuffers = Readonly<Record<string, Storage>>

/** Emits the dispatches of one group of filters. Subclasses choose the kernels of dense and of depthwise filters. */
abstract class GroupEmitter {
  readonly group: FilterGroup
  protected readonly context: Context
  protected readonly condition: number
  protected readonly input: Quads

  constructor(context: Context, group: FilterGroup) {
    this.group = group
    this.context = context
    // The dispatches of several operations must run if any of them does; the kernels then read the flag of each filter.
    const [operation, ...others] = new Set(group.operations)
    this.condition = others.length > 0 ? -1 : context.activity.condition(operation)
    this.input = context.extent(group.inputs[0])
  }

  /** Emits the dispatch that computes the outputs of all filters of the group. */
  abstract forward(): void

  /**
   * Emits the dispatches for the partial sums of the filters' gradients and for the gradients with respect to their
   * inputs.
   */
  backward(): void {
    const gradients = this.#outputGradients()
    this.filterGradients(gradients)
    this.inputGradient(gradients)
  }

  protected abstract filterGradients(gradients: GradientBuffers): void
  protected abstract inputGradient(gradients: GradientBuffers): void

  /** Returns the buffers and arguments that the forward kernels of dense and of depthwise filters have in common. */
  protected forwardBindings() {
    const { filterRecords: filters, flags, vectors } = this.context.tables
    const { source, args } = this.#source()
    const weights = this.context.state.weights
    return {
      buffers: { filters, flags, weights, vectors, source, results: this.#outputs() },
      args: { ...args, first: this.group.first },
    }
  }

  /**
   * Returns the buffers and arguments that the filter-gradient kernels of dense and of depthwise filters have in
   * common.
   */
  protected filterGradientBindings(gradients: GradientBuffers) {
    const { filterRecords: filters, flags, vectors } = this.context.tables
    const { source, args } = this.#source()
    const { summation, partials, first } = this.group
    const partialSums = { of: this.context.partialSums(summation), ...partials }
    return { buffers: { filters, flags, vectors, source, partialSums, ...gradients }, args: { ...args, first } }
  }

  /**
   * Returns the buffers and arguments that the input-gradient kernels of dense and of depthwise filters have in common,
   * and the number of gradients that the kernel computes (`results`). Undefined if the inputs depend on neither network
   * weights nor mixing coefficients.
   */
  protected inputGradientBindings(gradients: GradientBuffers) {
    const target = this.#target()
    if (target === undefined) return undefined
    const { filterRecords: filters, flags, vectors } = this.context.tables
    const { sideBySide, relu, first, filters: own } = this.group
    const { result, accumulate } = target
    const count = sideBySide ? 1 : own.length
    return {
      buffers: {
        ...{ filters, flags, weights: this.context.state.weights, result },
        ...(relu && { image: this.#source().source, vectors }),
        ...gradients,
      },
      args: { first, count, accumulate },
      results: own.length / count,
    }
  }

  /** Returns the buffer with the inputs of the group's filters, and the input sizes and ReLU flag (`INPUT_ARGS`). */
  #source() {
    const { inputs, sideBySide, relu } = this.group
    const { height, width, quads } = this.input
    const { readThrough } = this.context.tables.terms
    const sources = inputs.map((input) => this.context.value(readThrough.get(input)?.value ?? input))
    return {
      source: sideBySide ? spanOf(sources) : sources[0],
      args: { height, width, quads, relu: Number(relu) },
    }
  }

  /** Returns the buffer that holds the outputs of all filters of the group. */
  #outputs(): Transient {
    return spanOf(this.group.filters.map(({ filter }) => this.context.value(filter.output)))
  }

  #outputGradients(): GradientBuffers {
    const { context } = this
    const { filters, gradientSources } = this.group
    const finished = (ids: readonly ValueId[]) => spanOf(ids.flatMap((id) => context.outputGradient(id) ?? []))
    if (gradientSources.length === 0) return { gradients: finished(filters.map(({ filter }) => filter.output)) }
    const nodes = numberedBuffers('gradient', gradientSources, (nodes) => finished([...new Set(nodes)]))
    return { vectors: context.tables.vectors, outputs: this.#outputs(), ...nodes }
  }

  /**
   * Returns the buffer for the gradient with respect to the filters' inputs, and whether the kernel adds to that buffer
   * or overwrites it.
   */
  #target(): { readonly result: Transient; readonly accumulate: number | ByPathMask } | undefined {
    const { inputs, sideBySide } = this.group
    const targets = [...new Set(inputs)].flatMap((input) => this.context.gradient(input) ?? [])
    if (targets.length === 0) return undefined
    const [accumulate] = targets.map((target) => target.accumulate(sideBySide ? -1 : this.condition))
    const buffers = targets.map(({ buffer }) => buffer)
    return { result: sideBySide ? spanOf(buffers) : buffers[0], accumulate }
  }
}

class DenseEmitter extends GroupEmitter {
  forward(): void {
    const { filters } = this.group
    const { program, tables } = this.context
    const quads = Math.max(...filters.map(({ output }) => output.quads))
    const tile = tileFor(quads)
    const tiles = Math.ceil(quads / tile.columns)
    const { buffers, args } = this.forwardBindings()
    const pixelsPerSample = Math.max(...filters.map(({ output }) => output.pixelsPerSample))
    program.emit(convolve(tile), {
      buffers: { ...buffers, moments: tables.moments },
      args: { ...args, tiles, inputs: filters[0].inputChannels },
      grid: tileGrid(tiles * filters.length, pixelsPerSample, tile.pixels),
      condition: this.condition,
    })
  }

  protected filterGradients(gradients: GradientBuffers): void {
    const { filters, gradientSources } = this.group
    const extents = filters.map(gradientExtents)
    const tile = gradientTileFor(extents)
    const tiles = extents.map((own) => tilesAcross(own, tile))
    const rows = Math.max(...tiles.map(([own]) => own))
    const across = Math.max(...tiles.map(([, own]) => own))
    const chunkCount = Math.max(...filters.map(({ chunks }) => chunks.chunkCount))
    const { buffers, args } = this.filterGradientBindings(gradients)
    this.context.program.emit(filterGradient(tile, gradientSources.length), {
      buffers,
      args: { ...args, tiles: across },
      grid: () => [chunkCount, rows, across * filters.length],
      condition: this.condition,
      when: 'weights',
    })
  }

  protected inputGradient(gradients: GradientBuffers): void {
    const bindings = this.inputGradientBindings(gradients)
    if (bindings === undefined) return
    const { buffers, args, results } = bindings
    const { filters, relu, gradientSources } = this.group
    const { height, width, quads, pixelsPerSample } = this.input
    const tile = tileOver(quads, results * this.context.batchSize * pixelsPerSample)
    const tiles = Math.ceil(quads / tile.columns)
    this.context.program.emit(convolveBack(tile, relu, gradientSources.length), {
      buffers,
      args: { ...args, height, width, quads, tiles, inputs: filters[0].inputChannels },
      grid: tileGrid(tiles * results, pixelsPerSample, tile.pixels),
      condition: this.condition,
    })
  }
}

class DepthwiseEmitter extends GroupEmitter {
  forward(): void {
    const { filters } = this.group
    const items = itemGrid(Math.max(...filters.map(({ output }) => output.quadsPerSample)))
    const grid: Grid = (samples, most) => [items(samples, most)[0], filters.length, 1]
    this.context.program.emit(depthwise, { ...this.forwardBindings(), grid, condition: this.condition })
  }

  /**
   * Emits one dispatch for each width of filters, because a thread keeps a separate sum in a register for each column
   * of the filter.
   */
  protected filterGradients(gradients: GradientBuffers): void {
    const { buffers, args } = this.filterGradientBindings(gradients)
    const blocks = Math.ceil(this.input.quads / DEPTHWISE_COLUMNS)
    let { first } = this.group
    for (const [width, filters] of byWidth(this.group.filters)) {
      const chunkCount = Math.max(...filters.map(({ chunks }) => chunks.chunkCount))
      const rows = Math.max(...filters.map(({ filter }) => filter.window.height))
      this.context.program.emit(depthwiseFilterGradient(width), {
        buffers,
        args: { ...args, first, blocks },
        grid: () => [chunkCount, rows, blocks * filters.length],
        condition: this.condition,
        when: 'weights',
      })
      first += filters.length
    }
  }

  protected inputGradient(gradients: GradientBuffers): void {
    const bindings = this.inputGradientBindings(gradients)
    if (bindings === undefined) return
    const { buffers, args, results } = bindings
    const { height, width, quads } = this.input
    const items = itemGrid(this.input.quadsPerSample)
    this.context.program.emit(depthwiseBack(this.group.relu), {
      buffers,
      args: { ...args, height, width, quads },
      grid: (samples, most) => [items(samples, most)[0], results, 1],
      condition: this.condition,
    })
  }
}

const emitterOf = { dense: DenseEmitter, depthwise: DepthwiseEmitter } as const

/**
 * Returns a dispatch grid with one workgroup per tile of the result: x counts the `across` tiles along the channels, y
 * the tiles of `pixels` pixels each. Tiles of pixels beyond 65,535, WebGPU's limit for y, continue in z.
 */
function tileGrid(across: number, pixelsPerSample: number, pixels: number): Grid {
  return (samples) => {
    const tiles = Math.ceil((samples * pixelsPerSample) / pixels)
    return [across, Math.min(tiles, LARGEST_GRID), Math.ceil(tiles / LARGEST_GRID)]
  }
}

/** Splits filters that are sorted by width into one list for each width. */
function byWidth(filters: readonly PlannedFilter[]): [width: number, filters: PlannedFilter[]][] {
  const widths = [...new Set(filters.map(({ filter }) => filter.window.width))]
  return widths.map((width) => [width, filters.filter(({ filter }) => filter.window.width === width)])
}

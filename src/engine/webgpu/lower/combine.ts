/**
 * Emits the dispatches of nodes; a node is a sum of terms t, Σ_t c_t·norm_t(value_t), with mixing coefficients c and
 * activation tensors value_t. Forward: the moments of those normalised tensors whose moments no convolution has stored,
 * then the scales and shifts of all terms, then the sum. Backward, with g = ∂L/∂node and the mean μ of a channel: one
 * pass over the pixels computes Σ g and each term's Σ g·(value − μ); from these sums follow the gradients of
 * coefficients and normalisations (`differentiate` in `kernels/norm.ts`); one more pass computes those gradients
 * ∂L/∂value_t that are stored. A pass takes several dispatches if the node has more terms than a kernel can bind.
 */

import type { Of, Term } from '../../graph/graph.ts'
import type { Accumulation, Backward } from '../../plan/lowering.ts'
import { NONE } from '../device/kernel.ts'
import { FINISH_QUADS } from '../kernels/columnSums.ts'
import { backpropTerms, combine, reduceProducts, reduceProductsEach } from '../kernels/combine.ts'
import { computeScaleShift, differentiate, measure } from '../kernels/norm.ts'
import { clear } from '../kernels/pointwise.ts'
import { itemGrid, type When } from '../plan/program.ts'
import { spanOf, type Transient } from '../plan/storage.ts'
import type { Context } from './context.ts'
import { arityFor, inGroups, numberedArgs, numberedBuffers, padTo } from './grouping.ts'
import type { Quads } from './quads.ts'
import { type GroupedNorm, hasProduct, type TermPlace } from './termPlan.ts'
import { type ColumnChunks, columnChunks } from './workgroups.ts'

/**
 * A term of a node, the place of its per-channel data, the buffer of its activation tensor, and the index of its
 * activity flag.
 */
interface NodeTerm {
  readonly term: Term
  readonly place: TermPlace
  readonly value: Transient
  readonly condition: number
}

/**
 * A term of a node whose backward pass adds to the stored gradient (`target`) with respect to the term's activation
 * tensor.
 */
interface TargetedTerm extends NodeTerm {
  readonly target: Accumulation<Transient>
}

const bufferOfValue = ({ value }: NodeTerm) => value
const isNormalised = ({ term }: NodeTerm) => term.norm !== null

export function lowerCombine(context: Context, { terms, output }: Of<'combine'>, index: number): Backward {
  const norms = context.tables.norms.get(index)
  // The first node of a group emits the dispatches of the whole group.
  if (norms !== undefined) return norms[0].index === index ? lowerNorms(context, norms) : () => {}
  const places = context.terms(index)
  const placed = terms.map((term, part) => {
    const condition = context.activity.partCondition(index, part)
    return { term, place: places[part], value: context.value(term.value), condition }
  })
  const node = new NodeEmitter(context, placed, output, context.activity.condition(index))
  node.measure()
  node.computeScaleShift()
  if (!context.tables.terms.readThrough.has(output)) node.combine()
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient === undefined || placed.length === 0) return
    node.reduceProducts(gradient)
    node.backpropTerms(gradient)
  }
}

/**
 * Emits the dispatches of a group of nodes that consist of one batch-normalised term each and are never stored
 * (`groupNorms`). Forward: one dispatch for the scales and shifts. Backward: one dispatch that sums over all pixels,
 * and one that computes the gradients of the batch norms from these sums.
 */
function lowerNorms(context: Context, group: readonly GroupedNorm[]): Backward {
  const { program, feeds, state, tables, batchSize } = context
  const { termRecords: terms, moments, vectors, termCount } = tables
  const { weights, statistics } = state
  const [{ index, node }] = group
  const extent = context.extent(node)
  const { quads, pixelsPerSample } = extent
  const { args: columns, count, blocks } = columnChunks(extent, batchSize)
  const [{ number: first }] = context.terms(index)
  const condition = group.length === 1 ? context.activity.condition(index) : -1
  const args = { first, termCount, quads, channels: context.shape(node).channels, pixelsPerSample }
  const grid = () => [Math.ceil(quads / FINISH_QUADS), group.length, 1] as const
  program.emit(computeScaleShift, {
    buffers: { terms, feed: feeds.terms, moments, weights, statistics, vectors },
    ...{ args, grid, condition },
  })
  return () => {
    const gradients = group.flatMap((norm) => context.outputGradient(norm.node) ?? [])
    if (gradients.length === 0) return
    const products = program.temporary(2 * group.length * count * extent.channels * 4, 'sums of gradients of nodes')
    program.emit(reduceProductsEach, {
      buffers: {
        ...{ terms, feed: feeds.terms, vectors, products },
        values: spanOf(group.map((norm) => context.value(norm.value))),
        gradients: spanOf(gradients),
      },
      args: { ...columns, first, termCount, chunkCount: count },
      grid: () => [count, blocks, group.length],
      condition,
    })
    program.emit(differentiate, {
      buffers: { terms, feed: feeds.terms, products, weights, gradient: state.gradient, vectors },
      args: { ...args, pixelsPerChunk: columns.pixelsPerChunk, chunkCount: count },
      ...{ grid, condition },
    })
  }
}

/** Emits the dispatches of one node (a sum of terms); each method emits one step of the forward or backward pass. */
class NodeEmitter {
  readonly #context: Context
  readonly #terms: readonly NodeTerm[]
  readonly #output: number
  readonly #condition: number
  readonly #extent: Quads
  readonly #chunks: ColumnChunks

  constructor(context: Context, terms: readonly NodeTerm[], output: number, condition: number) {
    this.#context = context
    this.#terms = terms
    this.#output = output
    this.#condition = condition
    this.#extent = context.extent(output)
    this.#chunks = columnChunks(this.#extent, context.batchSize)
  }

  /**
   * Emits the dispatches that compute the batch mean and variance of those terms for which no convolution has stored
   * them. In evaluation, terms with running statistics are skipped.
   */
  measure(): void {
    const { program, tables, bindings } = this.#context
    const { moments } = tables
    const { args, count, blocks } = this.#chunks
    const measured = this.#terms.flatMap(({ term, value }) => {
      const place = tables.filters.moments.values.get(term.value)
      return term.norm === null || place === undefined || place.collected ? [] : [{ place, value }]
    })
    for (const group of inGroups(measured, bindings - 1)) {
      const arity = arityFor(group.length)
      const filled = padTo(group, arity)
      program.emit(measure(arity), {
        buffers: { moments, ...numberedBuffers('value', filled, ({ value }) => value) },
        args: { ...args, ...numberedArgs('place', filled, ({ place }) => place.offset) },
        grid: () => [count, blocks, group.length],
        condition: this.#condition,
        when: group.every(({ place }) => place.tracked) ? 'batch-statistics' : 'always',
      })
    }
  }

  /** Emits the dispatch that computes the per-channel scale and shift of every term of the node. */
  computeScaleShift(): void {
    if (this.#terms.length === 0) return
    const { tables, feeds, state, program } = this.#context
    const { termRecords: terms, moments, vectors } = tables
    const { weights, statistics } = state
    program.emit(computeScaleShift, {
      buffers: { terms, feed: feeds.terms, moments, weights, statistics, vectors },
      ...this.#byChannel(),
    })
  }

  /** Emits the dispatches that sum all scaled and shifted terms, which gives the value of the node. */
  combine(): void {
    const { program, feeds, tables, bindings } = this.#context
    const { vectors } = tables
    const output = this.#context.value(this.#output)
    const { quads, quadsPerSample: perSample } = this.#extent
    const grid = itemGrid(perSample)
    if (this.#terms.length === 0) {
      program.emit(clear, { buffers: { output }, args: { perSample }, grid, condition: this.#condition })
    }
    for (const [i, group] of inGroups(this.#terms, bindings - 3).entries()) {
      const arity = arityFor(group.length)
      const filled = padTo(group, arity)
      program.emit(combine(arity), {
        buffers: { feed: feeds.terms, vectors, output, ...numberedBuffers('value', filled, bufferOfValue) },
        args: { ...this.#perTerm(filled), perSample, quads, count: group.length, accumulate: i === 0 ? 0 : 1 },
        grid,
        condition: this.#condition,
      })
    }
  }

  /**
   * Emits the dispatches for the gradients of the node's mixing coefficients and batch norms. Terms without
   * normalisation are included only in runs that compute the gradient of the mixing coefficients.
   */
  reduceProducts(gradient: Transient): void {
    const wanted = this.#terms.filter(({ term }) => hasProduct(term))
    const normalised = wanted.filter(isNormalised)
    const { tables, feeds, state, program } = this.#context
    const { termRecords: terms, vectors } = tables
    const { count } = this.#chunks
    const products = program.temporary(
      (1 + wanted.length) * count * this.#extent.channels * 4,
      'sums of gradients of a node',
    )
    if (wanted.length > normalised.length) {
      this.#reduceProductsOf(wanted, gradient, products, 'coefficients')
      this.#reduceProductsOf(normalised, gradient, products, 'no-coefficients')
    } else {
      this.#reduceProductsOf(normalised, gradient, products, 'always')
    }
    const { weights } = state
    const { args, grid, condition } = this.#byChannel()
    program.emit(differentiate, {
      buffers: { terms, feed: feeds.terms, products, weights, gradient: state.gradient, vectors },
      args: { ...args, pixelsPerChunk: this.#chunks.args.pixelsPerChunk, chunkCount: count },
      grid,
      condition,
    })
  }

  #reduceProductsOf(reduced: readonly NodeTerm[], gradient: Transient, products: Transient, when: When): void {
    const { program, feeds, tables, bindings } = this.#context
    const { vectors } = tables
    const { args, count, blocks } = this.#chunks
    for (const group of inGroups(reduced, bindings - 4)) {
      const arity = arityFor(group.length)
      const filled = padTo(group, arity)
      program.emit(reduceProducts(arity), {
        buffers: { feed: feeds.terms, vectors, gradient, products, ...numberedBuffers('value', filled, bufferOfValue) },
        args: {
          ...args,
          ...this.#perTerm(filled),
          ...numberedArgs('row', filled, ({ place }) => place.productRow ?? NONE),
          ...{ chunkCount: count, count: group.length },
        },
        grid: () => [count, blocks, 1],
        condition: this.#condition,
        when,
      })
    }
  }

  /**
   * Emits the dispatches that compute the gradients with respect to the terms' activation tensors, where these
   * gradients are stored.
   */
  backpropTerms(gradient: Transient): void {
    const { program, feeds, tables } = this.#context
    const { vectors } = tables
    const { quads, quadsPerSample: perSample } = this.#extent
    for (const group of this.#targetGroups()) {
      const accumulate = group.map(({ target, condition }) => target.accumulate(condition))
      program.emit(backpropTerms(group.map(isNormalised)), {
        buffers: {
          ...{ feed: feeds.terms, vectors, gradient },
          ...numberedBuffers('value', group, bufferOfValue, isNormalised),
          ...numberedBuffers('result', group, ({ target }) => target.buffer),
        },
        args: {
          ...this.#perTerm(group),
          ...numberedArgs('accumulate', group, (_, i) => accumulate[i]),
          ...{ perSample, quads },
        },
        grid: itemGrid(perSample),
        condition: this.#condition,
      })
    }
  }

  /**
   * Returns the terms for whose activation tensors a gradient is stored, in groups whose buffers one dispatch can bind.
   * No group has two terms with the same activation tensor.
   */
  #targetGroups(): TargetedTerm[][] {
    const groups: TargetedTerm[][] = []
    let free = 0
    for (const placed of this.#terms) {
      const target = this.#context.tables.filters.unstoredGradients.has(placed.term.value)
        ? undefined
        : this.#context.gradient(placed.term.value)
      if (target === undefined) continue
      const needed = isNormalised(placed) ? 2 : 1
      const isTaken = groups.at(-1)?.some((other) => other.target === target)
      if (isTaken !== false || free < needed) {
        groups.push([])
        free = this.#context.bindings - 3
      }
      free -= needed
      groups.at(-1)?.push({ ...placed, target })
    }
    return groups
  }

  /**
   * Returns the kernel arguments with the index of each term (`term0`, …) and the offset of its rows in the buffer
   * `vectors` (`base0`, …).
   */
  #perTerm(group: readonly NodeTerm[]): Readonly<Record<string, number>> {
    return {
      termCount: this.#context.tables.termCount,
      ...numberedArgs('term', group, ({ place }) => place.number),
      ...numberedArgs('base', group, ({ place }) => place.base),
    }
  }

  /**
   * Returns the arguments, grid and activity flag that `computeScaleShift` and `differentiate` share: one workgroup for
   * each term of the node and each 16 channels.
   */
  #byChannel() {
    const { pixelsPerSample, quads } = this.#extent
    const { channels } = this.#context.shape(this.#output)
    const grid = [Math.ceil(quads / FINISH_QUADS), this.#terms.length, 1] as const
    return {
      args: {
        first: this.#terms[0].place.number,
        termCount: this.#context.tables.termCount,
        ...{ quads, channels, pixelsPerSample },
      },
      grid: () => grid,
      condition: this.#condition,
    }
  }
}

/**
 * A node: Σ_t c_t·norm_t(value_t). Forward: the moments of all normalised terms, their scales and shifts, then one pass
 * over all terms, unless the node's readers do without (`readThrough.ts`). Back, with g = ∂L/∂output, one pass gives Σ g
 * and each term's Σ g·(value − μ); from these follow the gradients wrt coefficients and norms (`differentiate` in
 * kernels/norm.ts), and one more pass sends to each value its own, unless the value's producer makes it. A pass is as
 * many dispatches as the device's bindings make of it.
 */

import type { Of, Term } from '../../graph/graph.ts'
import type { Accumulation } from '../../plan/accumulation.ts'
import type { Backward } from '../../plan/rules.ts'
import { FINISH_QUADS } from '../kernels/columnSums.ts'
import { backpropTerms, combine } from '../kernels/combine.ts'
import { measure } from '../kernels/measure.ts'
import { computeScaleShift, differentiate } from '../kernels/norm.ts'
import { clear } from '../kernels/pointwise.ts'
import { reduceProducts } from '../kernels/reduceProducts.ts'
import { itemGrid } from '../plan/program.ts'
import type { When } from '../plan/situation.ts'
import type { Transient } from '../plan/storage.ts'
import { type ColumnChunks, columnChunks } from './chunks.ts'
import type { Context } from './context.ts'
import { lowerNorms } from './groupedNorms.ts'
import { arityFor, inGroups, numberedArgs, numberedBuffers, padTo } from './grouping.ts'
import type { Quads } from './quads.ts'
import { hasProduct, type TermPlace } from './terms/termPlaces.ts'

/** A term with where it stands. */
interface PlacedTerm {
  readonly term: Term
  readonly place: TermPlace
  readonly value: Transient
  readonly condition: number
}

/** One that sends a gradient to its value. */
interface TargetedTerm extends PlacedTerm {
  readonly target: Accumulation<Transient>
}

const itsValue = ({ value }: PlacedTerm) => value
const isNormalised = ({ term }: PlacedTerm) => term.norm !== null

export function lowerCombine(context: Context, { terms, output }: Of<'combine'>, index: number): Backward {
  const norms = context.tables.norms.get(index)
  if (norms !== undefined) return norms[0].index === index ? lowerNorms(context, norms) : () => {}
  const places = context.terms(index)
  const placed = terms.map((term, part) => {
    const condition = context.activity.partCondition(index, part)
    return { term, place: places[part], value: context.value(term.value), condition }
  })
  const node = new Node(context, placed, output, context.activity.condition(index))
  node.measure()
  node.computeScaleShift()
  if (!context.tables.readThrough.has(output)) node.combine()
  return () => {
    const gradient = context.outputGradient(output)
    if (gradient === undefined || placed.length === 0) return
    node.reduceProducts(gradient)
    node.backpropTerms(gradient)
  }
}

class Node {
  readonly #context: Context
  readonly #terms: readonly PlacedTerm[]
  readonly #output: number
  readonly #condition: number
  readonly #extent: Quads
  readonly #chunks: ColumnChunks

  constructor(context: Context, terms: readonly PlacedTerm[], output: number, condition: number) {
    this.#context = context
    this.#terms = terms
    this.#output = output
    this.#condition = condition
    this.#extent = context.extent(output)
    this.#chunks = columnChunks(this.#extent, context.batchSize)
  }

  /** Moments that no producer collects: always, or where running statistics do not take their place. */
  measure(): void {
    const { program, tables, bindings } = this.#context
    const { moments, momentPlaces } = tables
    const { args, count, blocks } = this.#chunks
    const measured = this.#terms.flatMap(({ term, value }) => {
      const place = momentPlaces.get(term.value)
      return term.norm === null || place === undefined || place.collected ? [] : [{ place, value }]
    })
    for (const group of inGroups(measured, bindings - 1)) {
      const arity = arityFor(group.length)
      const filled = padTo(group, arity)
      program.emit(measure(arity), {
        buffers: { moments, ...numberedBuffers('value', filled, ({ value }) => value) },
        args: { ...args, ...numberedArgs('place', filled, ({ place }) => place.at) },
        grid: () => [count, blocks, group.length],
        condition: this.#condition,
        when: group.every(({ place }) => place.tracked) ? 'batch-statistics' : 'always',
      })
    }
  }

  computeScaleShift(): void {
    if (this.#terms.length === 0) return
    const { tables, feeds, state, program } = this.#context
    const { terms, moments, vectors } = tables
    const { weights, statistics } = state
    program.emit(computeScaleShift, {
      buffers: { terms, feed: feeds.terms, moments, weights, statistics, vectors },
      ...this.#finish(),
    })
  }

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
        buffers: { feed: feeds.terms, vectors, output, ...numberedBuffers('value', filled, itsValue) },
        args: { ...this.#perTerm(filled), perSample, quads, count: group.length, accumulate: i === 0 ? 0 : 1 },
        grid,
        condition: this.#condition,
      })
    }
  }

  /** Plain terms are projected on only where the gradient wrt the coefficients is wanted. */
  reduceProducts(gradient: Transient): void {
    const wanted = this.#terms.filter(({ term }) => hasProduct(term))
    const normalised = wanted.filter(isNormalised)
    const { tables, feeds, state, program } = this.#context
    const { terms, vectors } = tables
    const { count } = this.#chunks
    const products = program.temporary((1 + wanted.length) * count * this.#extent.channels * 4, 'projections')
    if (wanted.length > normalised.length) {
      this.#reduceProductsOf(wanted, gradient, products, 'coefficients')
      this.#reduceProductsOf(normalised, gradient, products, 'no-coefficients')
    } else {
      this.#reduceProductsOf(normalised, gradient, products, 'always')
    }
    const { weights } = state
    const { args, grid, condition } = this.#finish()
    program.emit(differentiate, {
      buffers: { terms, feed: feeds.terms, products, weights, gradient: state.gradient, vectors },
      args: { ...args, pixelsPerChunk: this.#chunks.args.pixelsPerChunk, chunkCount: count },
      grid,
      condition,
    })
  }

  #reduceProductsOf(projected: readonly PlacedTerm[], gradient: Transient, products: Transient, when: When): void {
    const { program, feeds, tables, bindings } = this.#context
    const { vectors } = tables
    const { args, count, blocks } = this.#chunks
    for (const group of inGroups(projected, bindings - 4)) {
      const arity = arityFor(group.length)
      const filled = padTo(group, arity)
      program.emit(reduceProducts(arity), {
        buffers: { feed: feeds.terms, vectors, gradient, products, ...numberedBuffers('value', filled, itsValue) },
        args: {
          ...args,
          ...this.#perTerm(filled),
          ...numberedArgs('row', filled, ({ place }) => place.productRow),
          ...{ chunkCount: count, count: group.length },
        },
        grid: () => [count, blocks, 1],
        condition: this.#condition,
        when,
      })
    }
  }

  /** To each value its part of the node's gradient. */
  backpropTerms(gradient: Transient): void {
    const { program, feeds, tables } = this.#context
    const { vectors } = tables
    const { quads, quadsPerSample: perSample } = this.#extent
    for (const group of this.#targetGroups()) {
      const accumulate = group.map(({ target, condition }) => target.accumulate(condition))
      program.emit(backpropTerms(group.map(isNormalised)), {
        buffers: {
          ...{ feed: feeds.terms, vectors, gradient },
          ...numberedBuffers('value', group, itsValue, isNormalised),
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

  /** Terms whose values learn, in runs that a dispatch can bind and in which no value comes twice. */
  #targetGroups(): TargetedTerm[][] {
    const groups: TargetedTerm[][] = []
    let free = 0
    for (const placed of this.#terms) {
      const target = this.#context.tables.made.has(placed.term.value)
        ? undefined
        : this.#context.gradient(placed.term.value)
      if (target === undefined) continue
      const needed = isNormalised(placed) ? 2 : 1
      const taken = groups.at(-1)?.some((other) => other.target === target)
      if (taken !== false || free < needed) {
        groups.push([])
        free = this.#context.bindings - 3
      }
      free -= needed
      groups.at(-1)?.push({ ...placed, target })
    }
    return groups
  }

  #perTerm(group: readonly PlacedTerm[]): Readonly<Record<string, number>> {
    return {
      termCount: this.#context.tables.termCount,
      ...numberedArgs('term', group, ({ place }) => place.number),
      ...numberedArgs('base', group, ({ place }) => place.base),
    }
  }

  /** What the two kernels that finish a node's sums have in common: a workgroup for each term and four quads. */
  #finish() {
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

/** What the dispatches of a group of filters name: parts of buffers, or whole ones where its filters stand side by side. */

import type { ValueId } from '../../../../core/network.ts'
import type { ByPathMask } from '../../../plan/accumulation.ts'
import { spanOf, type Transient } from '../../plan/storage.ts'
import type { Context } from '../context.ts'
import { numberedBuffers } from '../grouping.ts'
import type { GradientBuffers } from './filterGroup.ts'
import type { FilterGroup } from './filterPlaces.ts'

/** What the kernels that run a group forward have in common. */
export function forwardOf(context: Context, group: FilterGroup) {
  const { filters, flags, vectors } = context.tables
  const { source, args } = sourceOf(context, group)
  return {
    buffers: { filters, flags, weights: context.state.weights, vectors, source, results: outputsOf(context, group) },
    args: { ...args, first: group.first },
  }
}

/**
 * What the kernels that make the gradients of a group's filters have in common.
 *
 * @param chunks where partial sums wait
 */
export function filterGradientOf(context: Context, group: FilterGroup, gradients: GradientBuffers, chunks: Transient) {
  const { filters, flags, vectors } = context.tables
  const { source, args } = sourceOf(context, group)
  return { buffers: { filters, flags, vectors, source, chunks, ...gradients }, args: { ...args, first: group.first } }
}

/** What a group reads, and how (`SOURCE_ARGS`). */
function sourceOf(context: Context, { inputs, parallel, relu }: FilterGroup) {
  const { height, width, quads } = context.extent(inputs[0])
  const sources = inputs.map((input) => context.value(context.tables.readThrough.get(input)?.value ?? input))
  const args = { height, width, quads, relu: Number(relu) }
  return { source: parallel ? spanOf(sources) : sources[0], args }
}

/** The buffer of all outputs of a group. */
function outputsOf(context: Context, { filters }: FilterGroup): Transient {
  return spanOf(filters.map(({ filter }) => context.value(filter.output)))
}

/** The finished gradients wrt a group's outputs: what kernels name to read or make them. */
export function outputGradientsOf(context: Context, group: FilterGroup): GradientBuffers {
  const finished = (ids: readonly ValueId[]) => spanOf(ids.flatMap((id) => context.outputGradient(id) ?? []))
  const { filters, gradientSources } = group
  if (gradientSources.length === 0) return { gradients: finished(filters.map(({ filter }) => filter.output)) }
  const given = numberedBuffers('gradient', gradientSources, (nodes) => finished([...new Set(nodes)]))
  return { vectors: context.tables.vectors, outputs: outputsOf(context, group), ...given }
}

/**
 * What the kernels that make the gradient wrt what a group reads have in common, and of how many results it is.
 *
 * @returns undefined where nothing upstream learns
 */
export function inputGradientOf(context: Context, group: FilterGroup, gradients: GradientBuffers, condition: number) {
  const target = targetOf(context, group, condition)
  if (target === undefined) return undefined
  const { filters, flags, vectors } = context.tables
  const { source, args } = sourceOf(context, group)
  const { result, accumulate } = target
  const count = group.parallel ? 1 : group.filters.length
  return {
    buffers: {
      ...{ filters, flags, weights: context.state.weights, result },
      ...(group.relu && { image: source, vectors }),
      ...gradients,
    },
    args: { ...args, first: group.first, count, accumulate },
    results: group.filters.length / count,
  }
}

/** Where the gradient wrt what a group reads goes, and how it adds. */
interface Target {
  readonly result: Transient
  readonly accumulate: number | ByPathMask
}

/** @returns undefined where nothing upstream learns */
function targetOf(context: Context, { inputs, parallel }: FilterGroup, condition: number): Target | undefined {
  const targets = [...new Set(inputs)].flatMap((input) => context.gradient(input) ?? [])
  if (targets.length === 0) return undefined
  const [accumulate] = targets.map((target) => target.accumulate(parallel ? -1 : condition))
  const buffers = targets.map(({ buffer }) => buffer)
  return { result: parallel ? spanOf(buffers) : buffers[0], accumulate }
}

/** Condition of a group's dispatches: its operation's, if it is of one alone. */
export function conditionOf(context: Context, { operations }: FilterGroup): number {
  const [first, ...others] = new Set(operations)
  return others.length > 0 ? -1 : context.activity.condition(first)
}

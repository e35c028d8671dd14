/**
 * The plan of filters on WebGPU: which filters share dispatches, where everything stands, and the words that kernels
 * read.
 */
import { describe, expect, test } from 'vitest'
import type { ValueId } from '../../../../src/core/network.ts'
import { NetworkBuilder } from '../../../../src/core/networkBuilder.ts'
import { Activity } from '../../../../src/engine/graph/activity.ts'
import type { Graph } from '../../../../src/engine/graph/graph.ts'
import { lower } from '../../../../src/engine/graph/lower.ts'
import { orderByDepth, rewrite } from '../../../../src/engine/graph/rewrite.ts'
import { NONE } from '../../../../src/engine/webgpu/device/kernel.ts'
import { FILTER_FIELDS, TERM_FIELDS } from '../../../../src/engine/webgpu/kernels/records.ts'
import { type FilterPlan, planFilters } from '../../../../src/engine/webgpu/lower/filterPlan.ts'
import { encodeFilters } from '../../../../src/engine/webgpu/lower/tables.ts'
import { encodeTerms, groupNorms, planTerms } from '../../../../src/engine/webgpu/lower/termPlan.ts'
import type { State } from '../../../../src/engine/webgpu/plan/layout.ts'
import { branching } from '../branches.ts'

const PLAIN = { affine: false, track: false }

/** The graph of a network as the WebGPU executor plans it. */
const graphOf = (network: ReturnType<NetworkBuilder['build']>): Graph => orderByDepth(rewrite(lower(network)))

const planOf = (
  graph: Graph,
  site: { readonly batchSize?: number; readonly largestBinding?: number } = {},
): FilterPlan => planFilters({ graph, batchSize: 1, bindings: 12, largestBinding: 2 ** 30, ...site }, planTerms(graph))

describe('the groups of filters that share dispatches', () => {
  const network = branching()
  const nameOf = (parameter: number) => network.parameters[parameter].name.replace('.weight', '')

  /** Names of the parameters of each group. */
  function groups(largestBinding: number): string[] {
    return planOf(graphOf(network), { largestBinding }).groups.map(({ sideBySide, filters }) => {
      const names = filters.map(({ filter }) => nameOf(filter.parameter)).join(' ')
      return sideBySide ? `each its own: ${names}` : `all the same: ${names}`
    })
  }

  test('are the filters of one value, and equal filters of the values that one group computes', () => {
    expect(groups(2 ** 30)).toEqual([
      'all the same: stem',
      'all the same: pooled.1.deep a.1.deep c.1.deep b.1.deep',
      'all the same: twice wide lone far',
      'all the same: raw',
      'each its own: pooled.1 a.1 b.1 c.1',
      'all the same: on',
      'each its own: a.2.deep c.2.deep b.2.deep',
      'all the same: pooled.2.deep',
      'each its own: a.2 b.2 c.2',
      'each its own: pooled.2',
      'all the same: near',
      'all the same: reduced beside',
      'all the same: classifier',
    ])
  })

  test('have no more outputs than fit into one binding', () => {
    const bytesOfTwo = 2 * Math.ceil((7 * 6 * 8 * 4) / 256) * 256
    expect(groups(bytesOfTwo).slice(1, 8)).toEqual([
      'all the same: pooled.1.deep a.1.deep',
      'all the same: twice wide',
      'all the same: c.1.deep b.1.deep',
      'all the same: lone far',
      'all the same: raw',
      'each its own: pooled.1 a.1',
      'each its own: b.1 c.1',
    ])
  })
})

describe('the example in the header of filterPlan.ts', () => {
  const builder = new NetworkBuilder({ height: 8, width: 8, channels: 16 })
  const x = builder.relu(builder.input)
  const norm = (value: ValueId, name: string) => builder.batchNorm(value, PLAIN, name)
  const a = norm(builder.conv(x, 16, { kernel: 3, padding: 1 }, 'a'), 'a.norm')
  const b = norm(builder.conv(x, 16, { kernel: 1 }, 'b'), 'b.norm')
  const features = builder.sum([a, b])
  const logits = builder.linear(builder.globalMean(features), 10, 'classifier')
  const network = builder.build({ name: 'example', heads: [{ logits, lossWeight: 1 }], features })
  const plan = planOf(graphOf(network), { batchSize: 64 })
  const [group] = plan.groups

  test('has one group, whose outputs stand one after the other in one buffer', () => {
    expect(group).toMatchObject({ kind: 'dense', sideBySide: false, relu: true })
    expect(group.filters.map(({ outputOffset }) => outputOffset)).toEqual([0, 262_144])
    const [first, second] = group.filters.map(({ filter }) => plan.outputs.get(filter.output))
    expect(second?.buffer).toBe(first?.buffer)
    expect(first?.buffer.bytes).toBe(524_288)
    expect(group.filters.map(({ moments }) => moments?.pixelsPerChunk)).toEqual([128, 128])
  })

  test('has 16 partial sums of each filter, which wait for the same summation as those of the classifier', () => {
    expect(group.filters.map(({ chunks }) => [chunks.chunkCount, chunks.perChunk, chunks.rows])).toEqual([
      [16, 256, 144],
      [16, 256, 16],
    ])
    expect(group.filters.map(({ partialsOffset }) => partialsOffset)).toEqual([0, 147_456])
    expect(plan.groups.map(({ summation }) => summation)).toEqual([group.summation, group.summation])
    expect(group.summation).toMatchObject({ first: 0, filterCount: 3 })
  })

  test('stores no gradient with respect to an output', () => {
    expect([...plan.unstoredGradients]).toEqual(group.filters.map(({ filter }) => filter.output))
    expect(group.gradientSources).toHaveLength(1)
  })
})

describe('the words that kernels read', () => {
  const network = branching()
  const graph = graphOf(network)
  const terms = planTerms(graph)
  const plan = planOf(graph)
  const state = {
    parameterOffsets: network.parameters.map((_, i) => i),
    statisticsOffsets: network.statistics.map((_, i) => i),
  }
  const words = {
    filters: encodeFilters(graph, new Activity(graph), state as unknown as State, plan),
    terms: encodeTerms(graph, state as unknown as State, terms, plan.moments, groupNorms(graph, plan)),
  }

  /** The words of one field in all records. */
  function column<F extends string>(fields: readonly F[], all: readonly number[], field: F): number[] {
    return all.filter((_, i) => i % fields.length === fields.indexOf(field))
  }

  test('are unsigned, and no optional field that is present looks absent', () => {
    for (const word of [...words.filters, ...words.terms]) expect(word).toBe(word >>> 0)
    const planned = plan.groups.flatMap(({ filters }) => filters)
    const present = {
      inputNorm: planned.map(({ inputNorm }) => inputNorm !== undefined),
      moments: planned.map(({ moments }) => moments !== undefined),
      outputNorm: planned.map(({ outputNorm }) => outputNorm !== undefined),
    }
    for (const field of ['inputNorm', 'moments', 'outputNorm'] as const) {
      expect(column(FILTER_FIELDS, words.filters, field).map((word) => word !== NONE)).toEqual(present[field])
      expect(new Set(present[field])).toEqual(new Set([true, false]))
    }
  })

  test('tell an offset of 0 from an absent one', () => {
    const momentsOfFilters = column(FILTER_FIELDS, words.filters, 'moments')
    const runningOfTerms = column(TERM_FIELDS, words.terms, 'running')
    for (const field of [momentsOfFilters, runningOfTerms]) {
      expect(field).toContain(0)
      expect(field).toContain(NONE)
    }
  })

  test('place everything within its buffer', () => {
    for (const { filters, partials, summation } of plan.groups) {
      expect(partials.offset + partials.bytes).toBeLessThanOrEqual(summation.bytes)
      for (const { filter, outputOffset, partialsOffset, outputNorm, chunks, output } of filters) {
        const bytes = plan.outputs.get(filter.output)?.buffer.bytes ?? 0
        expect(outputOffset + 4 * output.perSample).toBeLessThanOrEqual(bytes)
        expect(partialsOffset + 16 * chunks.chunkCount * chunks.rows * output.quads).toBeLessThanOrEqual(partials.bytes)
        expect(outputNorm?.source ?? 0).toBeGreaterThanOrEqual(0)
      }
    }
  })
})

/** The contract suite for search spaces: every built-in space passes, and each rule finds the space that breaks it. */
import { describe, expect, test } from 'vitest'
import { checkSpace } from '../../../src/algorithms/contract/index.ts'
import type { SearchSpace } from '../../../src/core/space.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'

const executor = openExecutor({ backend: 'wasm' })
const { nb201 } = builtinSpaces

test.each(Object.values(builtinSpaces))('$name keeps every rule', { timeout: 300_000 }, async (space) => {
  const results = await checkSpace(space, () => executor)
  expect(results.filter(({ seen }) => seen !== undefined)).toEqual([])
})

/** NAS-Bench-201 with some members replaced by faulty ones. */
const faulty = (changes: Partial<SearchSpace>): SearchSpace => ({ ...nb201, ...changes })

describe('a space that breaks a rule is told which', () => {
  test.each<[rule: string, changes: Partial<SearchSpace>]>([
    ['edge leads to a later node', { edges: nb201.edges.map((edge) => ({ ...edge, from: edge.to, to: edge.from })) }],
    [
      'different candidate operations',
      { edges: nb201.edges.map((edge) => ({ ...edge, operations: ['none', 'none'] })) },
    ],
    ['decisions are read back', { encoding: { ...nb201.encoding, encode: () => [0, 0, 0, 0, 0, 0] } }],
    [
      'its string is read as the same architecture',
      { format: () => nb201.format(nb201.encoding.decode([0, 0, 0, 0, 0, 0])) },
    ],
    ['names its space', { name: 'another' }],
    [
      'refused with a BenchError',
      {
        parse(text) {
          if (text.startsWith('|')) return nb201.parse(text)
          throw new TypeError('no architecture')
        },
      },
    ],
    ['one-hot mixing weights', { oneHot: (genotype) => nb201.oneHot(genotype).map((row) => row.map(() => 1)) }],
    [
      'one-hot mixing weights',
      {
        oneHot: (genotype) =>
          nb201.oneHot(genotype).map((row, edge) => row.map((weight, op) => (edge === 3 ? Number(op < 2) : weight))),
      },
    ],
    ['one-hot mixing weights', { derive: () => nb201.encoding.decode([1, 1, 1, 1, 1, 1]) }],
    [
      'the supernet has a coefficient',
      { supernet: (options) => ({ ...nb201.supernet(options), coefficientCount: 5 }) },
    ],
    [
      'a logit for each class',
      {
        network: (genotype, options) =>
          nb201.network(genotype, { ...options, shape: { ...options.shape, classes: 3 } }),
      },
    ],
    [
      'numbers of architectures',
      {
        numbering: {
          count: 15_625,
          indexOf: () => 7,
          at: () => nb201.parse(nb201.format(nb201.encoding.decode([0, 0, 0, 0, 0, 0]))),
        },
      },
    ],
    ['training keys, pictures', { draw: (_, title) => [{ kind: 'drawing', title, width: 0, height: 10, shapes: [] }] }],
  ])('%s', async (rule, changes) => {
    const results = await checkSpace(faulty(changes), () => executor)
    const broken = results.filter(({ seen }) => seen !== undefined).map((result) => result.rule)
    expect(
      broken.find((name) => name.includes(rule)),
      broken.join('; '),
    ).toBeDefined()
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { softmax } from '../../../src/core/mixing.ts'
import { random } from '../../../src/core/random.ts'
import { mutate, neighbours, sample } from '../../../src/core/space.ts'
import {
  type DartsGenotype,
  darts,
  dartsS1,
  dartsS2,
  dartsS3,
  dartsWithoutNone,
  formatJson,
  PUBLISHED,
} from '../../../src/spaces/darts/index.ts'
import { casesWhere, readGolden } from '../../fixtures/golden.ts'

type Pair = readonly [string, number]

interface DerivationCase {
  readonly id: string
  readonly kind: string
  readonly alpha_normal: readonly (readonly number[])[]
  readonly alpha_reduce: readonly (readonly number[])[]
  readonly beta_normal?: readonly number[]
  readonly beta_reduce?: readonly number[]
  readonly normal: readonly Pair[]
  readonly reduce: readonly Pair[]
}

interface PublishedCase {
  readonly name: string
  readonly normal: readonly Pair[]
  readonly reduce: readonly Pair[]
}

const V2 =
  "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), " +
  "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), " +
  "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), " +
  "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"
const spaces = [darts, dartsWithoutNone, dartsS1, dartsS2, dartsS3]
const { cases } = readGolden<{ cases: DerivationCase[] }>('genotype')
const derivations = casesWhere(cases, ({ kind }) => kind !== 'nb201', 'of the DARTS space')
const parsed = (text: string) => darts.parse(text) as DartsGenotype
const json = (cells: Pick<PublishedCase, 'normal' | 'reduce'>) =>
  darts.parse(JSON.stringify({ normal: cells.normal, reduce: cells.reduce }))

/** Softmax over the incoming edges of each node: groups of 2, 3, 4 and 5. */
const perNode = (beta: readonly number[]) =>
  [0, 2, 5, 9, 14].slice(1).flatMap((end, i) => softmax(beta.slice([0, 2, 5, 9][i], end)))

test("the literature's notation is read, with a range or a list, and written back", () => {
  const genotype = parsed(V2)
  expect(genotype.normal[5]).toEqual({ operation: 'skip_connect', from: 0 })
  expect(darts.format(genotype)).toBe(V2)
  const variants = [
    `DARTS_V2 = ${V2}`,
    V2.replaceAll('range(2, 6)', '[2, 3, 4, 5]'),
    V2.replaceAll('range(2, 6)', 'list(range(2,6))'),
    V2.replaceAll(', (', ',\n    (').replace(')]', '),\n  ]'),
    V2.replaceAll("'", '"'),
    formatJson(genotype),
    'DARTS_V2',
    ' darts ',
  ]
  for (const text of variants) expect(darts.parse(text)).toEqual(genotype)
})

/** The inputs of V2's cells, two for each node, as one list a node. */
const nested = (open: string, close: string) => V2.replaceAll(/(\('\w+', \d\), \('\w+', \d\))/g, `${open}$1${close}`)

test.each<[how: string, text: string]>([
  ['with a semicolon and a comment', `DARTS_V2 = ${V2};  # the best of four`],
  [
    'with comments between the lines',
    V2.replaceAll(', (', ',  # step\n    (').replace('normal_concat', '# (nodes)\n normal_concat'),
  ],
  ['with a range of three numbers', V2.replaceAll('range(2, 6)', 'range(2,6,1)')],
  [
    'with numbers of NumPy',
    V2.replaceAll(/, (\d)\)/g, ', np.int64($1))').replaceAll('range(2, np.int64(6))', 'np.arange(2, 6)'),
  ],
  [
    'with strings of NumPy and of Python 2',
    V2.replaceAll(/\('(sep\w+)'/g, "(np.str_('$1')").replaceAll(/\('(\w+)', /g, "(u'$1', "),
  ],
  ['with positional arguments', V2.replaceAll(/\w+=/g, '')],
  ['with a list for each node (pt.darts)', nested('[', ']')],
  ['with a tuple for each node (AutoDL)', nested('(', ')')],
  ['with weights beside the pairs (AutoDL)', nested('(', ')').replaceAll(/', (\d)\)/g, "', $1, 0.13017432391643524)")],
  ['with further fields (AutoDL)', V2.replace(/\)$/, ', connectN=None, connects=None)')],
  [
    'as a dict',
    V2.replace('Genotype(', '{')
      .replace(/\)$/, '}')
      .replaceAll(/(\w+)=/g, "'$1': "),
  ],
  ['as dict(…)', V2.replace('Genotype', 'dict')],
  [
    'as an OrderedDict',
    V2.replace('Genotype(', 'OrderedDict([')
      .replace(/\)$/, ')])')
      .replaceAll(/(?:, )?(\w+)=/g, "), ('$1', ")
      .replace('[)', '[')
      .replace('[, ', '['),
  ],
  ['as JSON in JSON', `{"epoch": 49, "cells": ${formatJson(darts.parse(V2))}}`],
  ['as JSON with another field first', formatJson(darts.parse(V2)).replace('{', '{"name": "DARTS_V2", ')],
  [
    'as two assignments',
    V2.replace('Genotype(', '')
      .replace(/\)$/, '')
      .replaceAll(/, (\w+)=/g, '\n$1 = '),
  ],
  ['of a module', `genotypes.${V2}`],
  ['over lines that a backslash joins', V2.replaceAll(', reduce', ', \\\n reduce')],
  [
    'in a log, again and again',
    `08/12 10:01:12 AM gpu device = 0\n08/12 genotype = ${V2}\ntensor([[0.1, 0.2]])\n08/12 genotype = ${V2}\nvalid_acc 97.1`,
  ],
  [
    'beside its definition',
    `from collections import namedtuple\nGenotype = namedtuple('Genotype', 'normal normal_concat')\nclass Genotype(NamedTuple): pass\nBEST = ${V2}`,
  ],
  ['as a name with what stands around it', ' genotypes.DARTS_V2;  # published'],
])('a genotype is read %s', (_, text) => {
  expect(darts.parse(text)).toEqual(darts.parse(V2))
})

test.each([
  ['an unclosed bracket', V2.slice(0, -1), /line 1, column \d+: expected "," or "\)", found the end$/],
  [
    'a missing comma',
    V2.replace("'sep_conv_3x3', 0", "'sep_conv_3x3' 0"),
    /line 1, column 34: expected "," or "\)", found "0\)/,
  ],
  [
    'an open text, two lines below',
    `# log\n\n  ${V2.replace("'skip_connect'", "'skip_connect")}`,
    /line 3, column 147: expected "," or "\)", found "skip_connect/,
  ],
  [
    'a name for a number',
    V2.replace("'sep_conv_3x3', 0", "'sep_conv_3x3', best"),
    /line 1, column 35: expected a value, found the name best/,
  ],
  [
    'a range without end',
    V2.replace('range(2, 6)', 'range(2, 1e9)'),
    /line 1, column \d+: expected a range of few numbers, as range\(2, 6\)/,
  ],
  ['brackets without end', `Genotype(${'['.repeat(100_000)}`, /line 1, column \d+: brackets are nested too deeply/],
  [
    'three inputs for a node',
    nested('[', ']').replace("[('sep_conv_3x3', 0), ", "[('sep_conv_3x3', 0), ('skip_connect', 0), "),
    /normal cell: node 2: found 3 inputs, expected two/,
  ],
  [
    'a weight that is none',
    V2.replace("'sep_conv_3x3', 0", "'sep_conv_3x3', 0, 'x'"),
    /normal cell: node 2: expected \(operation, node\), found/,
  ],
  [
    'several genotypes',
    `A = ${V2}\nB = ${darts.format(darts.parse('DRNAS'))}`,
    /found 2 different ones, the first at line 1, column 5, the last at line 2, column 5; keep one/,
  ],
])('%s is refused with its position', (_, text, message) => {
  expect(() => darts.parse(text)).toThrow(message)
})

test('published genotypes agree with the reference figures', () => {
  for (const golden of readGolden<{ darts_genotypes: PublishedCase[] }>('networks').darts_genotypes) {
    if (golden.name !== 'MIX_A') expect(darts.parse(golden.name)).toEqual(json(golden))
  }
})

describe('a cell in which nodes lack inputs', () => {
  const sparse = V2.replace("('dil_conv_3x3', 2)", "('none', 2)")

  test('is written with the operation none, and read back', () => {
    expect(darts.format(darts.parse(sparse))).toBe(sparse)
    const lacking = parsed(sparse).normal[7]
    expect(lacking).toEqual({ operation: 'none', from: 2 })
  })

  test('may be written as edges (operation, to, from), as Fair-DARTS does', () => {
    const edges = (text: string) =>
      text.replace(/normal=\[.*?\]/, "normal=[('skip_connect', 3, 2), ('sep_conv_3x3', 5, 1)]")
    expect(parsed(edges(V2)).normal.map(({ operation, from }) => `${operation} ${from}`)).toEqual(
      'none 0,none 1,skip_connect 2,none 0,none 0,none 1,sep_conv_3x3 1,none 0'.split(','),
    )
    const three = [0, 1, 2].map((from) => `('skip_connect', 4, ${from})`).join(', ')
    expect(() => darts.parse(V2.replace(/normal=\[.*?\]/, `normal=[${three}]`))).toThrow(
      'normal cell: node 4: found 3 inputs, expected at most two',
    )
  })

  test('comes of a derivation with a threshold, which leaves out exactly the edges below it', () => {
    const theta = darts.edges.map(({ operations }, edge) =>
      operations.map((_, op) => (edge === 0 && op === 0 ? 0.99 : op === 3 ? (edge % 14) / 14 : 0)),
    )
    const whole = darts.derive(theta) as DartsGenotype
    expect(darts.derive(theta, undefined, 0)).toEqual(whole)
    expect(whole.normal.map(({ from }) => from)).toEqual([1, 0, 2, 1, 3, 2, 4, 3])
    const kept = (threshold: number) =>
      (darts.derive(theta, undefined, threshold) as DartsGenotype).normal.map(({ operation, from }) =>
        operation === 'none' ? '-' : from,
      )
    expect(kept(0.5)).toEqual(['-', '-', '-', '-', 3, 2, 4, 3])
    expect(kept(0.51)).toEqual(['-', '-', '-', '-', 3, '-', 4, 3])
    expect(kept(1)).toEqual(Array.from({ length: 8 }, () => '-'))
  })

  test('has no inputs in its one-hot weights, and no place in the encoding of a black-box search', () => {
    const genotype = darts.parse(sparse)
    const rows = darts.oneHot(genotype).map((row) => row.reduce((sum, value) => sum + value, 0))
    expect(rows.reduce((sum, value) => sum + value, 0)).toBe(15)
    expect(() => darts.encoding.encode(genotype)).toThrow(/a node lacks an input/)
  })
})

test('every published genotype is valid', () => {
  for (const [name, { genotype }] of Object.entries(PUBLISHED)) expect(darts.parse(name)).toEqual(darts.parse(genotype))
})

const CANDIDATES = 'max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3, sep_conv_5x5, dil_conv_3x3, dil_conv_5x5'

test.each([
  [
    'an unknown operation',
    V2.replace("('dil_conv_3x3', 2)", "('dil_conv_3x4', 2)"),
    `normal cell: edge 5←2: unknown operation "dil_conv_3x4", did you mean "dil_conv_3x3"?; allowed are ${CANDIDATES}`,
  ],
  [
    'a node index out of range',
    V2.replace("reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1)", "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 2)"),
    'reduce cell: node 2: input from node 2, expected 0 to 1',
  ],
  [
    'a cell with one input too few',
    V2.replace(", ('dil_conv_3x3', 2)]", ']'),
    'normal cell: found 7 inputs, expected 8: two for each of nodes 2 to 5',
  ],
  [
    'a node with the same input twice',
    V2.replace("('dil_conv_3x3', 2)", "('dil_conv_3x3', 0)"),
    'normal cell: node 5: both inputs come from node 0; they must differ',
  ],
  [
    'an input that is no pair',
    V2.replace("('dil_conv_3x3', 2)", "'dil_conv_3x3'"),
    'normal cell: node 5: expected (operation, node), found "dil_conv_3x3"',
  ],
  ['a missing cell', '{"normal": []}', 'normal cell: found 0 inputs, expected 8: two for each of nodes 2 to 5'],
  ['no list', '{"normal": 3}', 'normal cell: expected a list of (operation, node) pairs, found 3'],
  [
    'another concatenation',
    V2.replace('range(2, 6)', 'range(3, 6)'),
    'normal cell: concatenates nodes [3,4,5], expected [2,3,4,5]',
  ],
  ['no genotype at all', 'genotype: normal=[(', 'cannot read "genotype: normal=[("; expected Genotype(normal='],
])('%s is refused with the place and what is allowed there', (_, text, problem) => {
  expect(() => darts.parse(text)).toThrow(problem)
})

test('an unknown published name is refused with the nearest one', () => {
  expect(() => darts.parse('DRNASS')).toThrow('unknown genotype "DRNASS"; did you mean "DRNAS"?')
})

test.each(derivations)('the reference derivation $id is met, order of inputs and ties included', (golden) => {
  const theta = [...golden.alpha_normal, ...golden.alpha_reduce].map(softmax)
  const edgeWeights =
    golden.beta_normal && golden.beta_reduce
      ? [...perNode(golden.beta_normal), ...perNode(golden.beta_reduce)]
      : undefined
  expect(darts.derive(theta, edgeWeights)).toEqual(json(golden))
})

test.each(spaces)('$name: decisions and architectures correspond one to one', (space) => {
  const { cardinalities, encode, decode } = space.encoding
  expect(cardinalities).toHaveLength(22)
  const decisions = fc.tuple(...cardinalities.map((n) => fc.nat(n - 1)))
  fc.assert(
    fc.property(decisions, (values) => {
      const genotype = decode(values)
      expect(encode(genotype)).toEqual(values)
      expect(space.parse(space.format(genotype))).toEqual(genotype)
    }),
    { seed: 0, numRuns: 100 },
  )
})

test('the space has (7² · 1 · 7² · 3 · 7² · 6 · 7² · 10)² ≈ 10¹⁸ architectures, as the paper says', () => {
  const size = darts.encoding.cardinalities.reduce((product, n) => product * BigInt(n), 1n)
  expect(size).toBe((7n ** 8n * 180n) ** 2n)
})

test('mutations and neighbours stay in the space', () => {
  const stream = random(0, 'test')
  const genotype = sample(darts, stream)
  const around = neighbours(darts, genotype).map(darts.format)
  expect(new Set(around).size).toBe(16 * 6 + 2 * (2 + 5 + 9))
  expect(around).toContain(darts.format(mutate(darts, darts.encoding.decode(darts.encoding.encode(genotype)), stream)))
})

test('the simplified spaces offer the operations of RobustDARTS', () => {
  expect(new Set(dartsS2.edges.flatMap(({ operations }) => operations))).toEqual(
    new Set(['skip_connect', 'sep_conv_3x3']),
  )
  expect(new Set(dartsS3.edges.flatMap(({ operations }) => operations))).toEqual(
    new Set(['none', 'skip_connect', 'sep_conv_3x3']),
  )
  expect(dartsS1.edges.every(({ operations }) => operations.length === 2)).toBe(true)
  const skipsOnly = V2.replaceAll(/'\w+_3x3'/g, "'skip_connect'")
  expect(dartsS2.parse(skipsOnly).space).toBe('darts-s2')
  expect(() => dartsS2.parse(V2)).toThrow('unknown operation "dil_conv_3x3"')
  expect(() => dartsS1.parse(V2)).toThrow('edge 2←0: unknown operation "sep_conv_3x3"')
})

describe('a list of cells', () => {
  const list = darts.parse('D_DARTS')
  const text = darts.format(list)
  const cellTexts = /genes=(.*), concat/.exec(text)?.[1] as string

  test.each([
    ['as printed', text],
    ['as JSON', formatJson(list)],
    [
      'with positional fields, as the authors’ namedtuple has them',
      `Genotype_nested(${cellTexts}, range(2, 6), [2, 6])`,
    ],
    ['as a dict', `best = {'genes': ${cellTexts}, 'reductions': (2, 6)}`],
    ['as a dict in a log', `epoch 49 {'genes': ${cellTexts}, 'reductions': [2, 6]}\nvalid_acc 90`],
    ['over lines', text.replaceAll('], [', '],\n  [')],
    ['beside its definition', `Genotype_nested = namedtuple('Genotype_nested', 'genes concat reductions')\n${text}`],
  ])('is read %s', (_, written) => {
    expect(darts.parse(written)).toEqual(list)
    expect(darts.format(darts.parse(written))).toBe(text)
  })

  test('has its reduction cells at a third and two thirds if none are given', () => {
    expect(darts.parse(text.replace(', reductions=[2, 6]', ''))).toMatchObject({ reductions: [2, 5] })
  })

  test.each([
    [
      text.replace('[2, 6]', '[2, 8]'),
      'list of cells: reductions=[2,8], expected the positions of two reduction cells, as [2, 5]',
    ],
    [text.replace('[2, 6]', '[6, 2]'), 'list of cells: reductions=[6,2] must ascend'],
    [text.replace('range(2, 6)', 'range(3, 6)'), 'list of cells: concatenates nodes [3,4,5], expected [2,3,4,5]'],
    ['Genotype_nested(genes=3)', 'list of cells: expected genes=[[(operation, node), …], …], found 3'],
    ['Genotype_nested(genes=[[]])', 'list of cells: found 1 cell, expected 3 to 100'],
    ['Genotype_nested(genes=[[], []])', 'list of cells: found 2 cells, expected 3 to 100'],
    [
      text.replace("[('sep_conv_3x3', 1)", "[('sep_conv_4x3', 1)"),
      'cell 0 (normal): edge 2←1: unknown operation "sep_conv_4x3"',
    ],
    [text.replace("[('sep_conv_5x5', 1), ", '['), 'cell 2 (reduce): found 7 inputs, expected 8'],
    [`${V2}\n${text}`, 'found 2 different ones'],
  ])('is refused in one line where something is wrong: %#', (written, message) => {
    expect(() => darts.parse(written)).toThrow(message)
  })

  test('is what its one-hot mixing weights derive, and has none of shared cells and no encoding', () => {
    expect(darts.deriveCells?.(darts.oneHotCells?.(list) ?? [], 0.5)).toEqual({
      ...list,
      cells: 'cells' in list && list.cells.map(sortedByStrength),
    })
    expect(darts.oneHotCells?.(darts.parse(V2))).toBeUndefined()
    expect(() => darts.oneHot(list)).toThrow(/^a list of 8 cells has mixing weights for each cell/)
    expect(() => darts.encoding.encode(list)).toThrow(/^a list of 8 cells is not among the architectures/)
  })
})

/** The inputs of each node in the order in which a derivation with equal weights lists them: lower predecessor first. */
const sortedByStrength = (cell: readonly { readonly operation: string; readonly from: number }[]) =>
  [0, 2, 4, 6].flatMap((at) =>
    cell
      .slice(at, at + 2)
      .toSorted((a, b) => Number(a.operation === 'none') - Number(b.operation === 'none') || a.from - b.from),
  )

import { expect, test } from 'vitest'
import { softmax } from '../../../src/core/mixing.ts'
import { random } from '../../../src/core/random.ts'
import { mutate, neighbours, sample } from '../../../src/core/space.ts'
import { ARCHITECTURE_COUNT, atIndex, nb201 } from '../../../src/spaces/nb201/index.ts'
import { EDGES } from '../../../src/spaces/nb201/topology.ts'
import { casesWhere, readGolden } from '../../fixtures/golden.ts'

interface DerivationCase {
  readonly id: string
  readonly kind: string
  readonly alpha: readonly (readonly number[])[]
  readonly arch: string
}

const RESNET = '|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|'
const OPERATIONS = 'none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3'
const FORM = '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|'

test('a string is read into one operation for each edge, and written back', () => {
  const genotype = nb201.parse(RESNET)
  expect(genotype).toEqual({
    space: 'nb201',
    operations: ['nor_conv_3x3', 'none', 'nor_conv_3x3', 'skip_connect', 'none', 'skip_connect'],
  })
  expect(nb201.format(genotype)).toBe(RESNET)
  expect(nb201.parse(` ${RESNET}\n`)).toEqual(genotype)
})

test('the text of an architecture is its own, whatever was written before, also with operations of another space', () => {
  const [first, second] = [atIndex(0), atIndex(1)]
  const strange = { space: 'nb201', operations: [...first.operations.slice(0, 5), 'max_pool_3x3'] } as never
  const short = { space: 'nb201', operations: first.operations.slice(0, 5) }
  const texts = [first, strange, second, short, first, strange].map(nb201.format)
  expect(new Set(texts).size).toBe(4)
  expect(texts[4]).toBe(texts[0])
  expect(texts[1]).toBe(texts[5])
  expect(texts[1]).toContain('|max_pool_3x3~2|')
  expect(nb201.numbering?.indexOf(nb201.parse(texts[2]))).toBe(1)
})

test('an architecture that a method changes in place is written and numbered as it is then', () => {
  const [before, after] = [0, 7].map((index) => nb201.format(atIndex(index)))
  const changed = { space: 'nb201', operations: [...atIndex(0).operations] }
  expect(nb201.format(changed)).toBe(before)
  changed.operations.splice(0, 6, ...atIndex(7).operations)
  expect(nb201.format(changed)).toBe(after)
  expect(nb201.numbering?.indexOf(changed)).toBe(7)
})

test('every architecture is written edge by edge, node by node', () => {
  for (let index = 0; index < ARCHITECTURE_COUNT; index++) {
    const genotype = atIndex(index)
    const into = (node: number) =>
      EDGES.flatMap(({ from, to }, edge) => (to === node ? [`${genotype.operations[edge]}~${from}`] : []))
    expect(nb201.format(genotype)).toBe([1, 2, 3].map((node) => `|${into(node).join('|')}|`).join('+'))
  }
})

test.each([
  ['in quotes, with a semicolon', `"${RESNET}";`],
  ['with spaces', RESNET.replaceAll('|', ' | ')],
  ['from a log, again and again', `[12:00] best: ${RESNET}, 93.7 %\n[12:01] Structure(4 nodes with ${RESNET})\n`],
  ['with a comment', `arch = '${RESNET}'  # ResNet`],
])('a string is read %s', (_, text) => {
  expect(nb201.parse(text)).toEqual(nb201.parse(RESNET))
})

test('two strings in a text are refused', () => {
  const other = RESNET.replace('none~1', 'skip_connect~1')
  expect(() => nb201.parse(`${RESNET}\n${other}`)).toThrow(`it holds 2 different ones, the last ${other}; keep one`)
})

test.each([
  [
    RESNET.replace('nor_conv_3x3~1', 'nor_conv_5x5~1'),
    `edge 2←1: unknown operation "nor_conv_5x5"; nb201 has ${OPERATIONS}`,
  ],
  [RESNET.replace('none~1', 'none~2'), 'edge 3←1: "none~2" comes from node 2, expected 1'],
  [RESNET.replace('none~1', 'none'), 'edge 3←1: "none" is not of the form op~1'],
  [RESNET.replace('|none~1', ''), 'node 3: found 2 edges, expected 3'],
  [RESNET.slice(0, -1), 'node 3: "|skip_connect~0|none~1|skip_connect~2" does not stand between "|"'],
  ['|nor_conv_3x3~0|', 'found 1 of 3 nodes joined by "+"'],
  ['', 'found 1 of 3 nodes joined by "+"'],
])('the malformed string %s is refused with the place and what is allowed there', (text, problem) => {
  expect(() => nb201.parse(text)).toThrow(`architecture "${text}": ${problem}; the form is ${FORM}`)
})

const { cases } = readGolden<{ cases: DerivationCase[] }>('genotype')

test.each(casesWhere(cases, ({ kind }) => kind === 'nb201', 'of NAS-Bench-201'))(
  'the reference derivation $id is met, ties included',
  ({ alpha, arch }) => {
    expect(nb201.format(nb201.derive(alpha.map(softmax)))).toBe(arch)
  },
)

test('decisions are operation indices, edge by edge', () => {
  const genotype = nb201.parse(RESNET)
  expect(nb201.encoding.encode(genotype)).toEqual([3, 0, 3, 1, 0, 1])
  expect(nb201.encoding.decode([3, 0, 3, 1, 0, 1])).toEqual(genotype)
  expect(nb201.encoding.cardinalities).toEqual([5, 5, 5, 5, 5, 5])
})

test('every architecture has 24 neighbours, and a mutation is one of them', () => {
  const stream = random(0, 'test')
  const genotype = sample(nb201, stream)
  const around = neighbours(nb201, genotype).map(nb201.format)
  expect(new Set(around).size).toBe(24)
  expect(around).not.toContain(nb201.format(genotype))
  expect(around).toContain(nb201.format(mutate(nb201, genotype, stream)))
})

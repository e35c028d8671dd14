import { expect, test } from 'vitest'
import { random } from '../../../src/core/random.ts'
import { atIndex, functionalClasses, type Nb201Genotype, nb201, trainingKey } from '../../../src/spaces/nb201/index.ts'
import { EDGES, edgesInto, NODES, type Operation } from '../../../src/spaces/nb201/topology.ts'

const all = Array.from({ length: 15_625 }, (_, index) => atIndex(index))
const parse = nb201.parse

/** A signal of two pixels. */
type Signal = readonly [number, number]

/** A convolution's weights: it computes gain·k·sin(slope·x) + shift on each pixel, with a k of its own kernel size. */
interface Weights {
  readonly slope: number
  readonly gain: number
  readonly shift: number
}

const stream = random(0, 'test', 'weights')
const WEIGHTS: readonly Weights[] = EDGES.map(() => ({
  slope: 1 + stream.uniform(),
  gain: stream.normal(),
  shift: stream.normal(),
}))

/** Stand-ins for the operations: pooling mixes the pixels and keeps constants. */
const OPERATIONS: Readonly<Record<Operation, (x: Signal, weights: Weights) => Signal>> = {
  none: () => [0, 0],
  skip_connect: (x) => x,
  avg_pool_3x3: ([a, b]) => [0.7 * a + 0.3 * b, 0.3 * a + 0.7 * b],
  nor_conv_1x1: (x, weights) => convolve(x, weights, 1),
  nor_conv_3x3: (x, weights) => convolve(x, weights, 1.5),
}

const convolve = ([a, b]: Signal, { slope, gain, shift }: Weights, k: number): Signal => [
  k * gain * Math.sin(slope * a) + shift,
  k * gain * Math.sin(slope * b) + shift,
]

function evaluate({ operations }: Nb201Genotype, weights: readonly Weights[]): Signal {
  const nodes: Signal[] = [[0.3, 1.1]]
  for (const node of NODES.slice(1)) {
    const terms = edgesInto(node).map(({ index, from }) => OPERATIONS[operations[index]](nodes[from], weights[index]))
    nodes.push([terms.reduce((sum, [a]) => sum + a, 0), terms.reduce((sum, [, b]) => sum + b, 0)])
  }
  return nodes[nodes.length - 1]
}

const permutations = (items: readonly number[]): number[][] =>
  items.length <= 1
    ? [[...items]]
    : items.flatMap((first, i) => permutations(items.toSpliced(i, 1)).map((rest) => [first, ...rest]))
const ORDERS = permutations(EDGES.map((_, edge) => edge))

/** Whether some exchange of weights between edges makes the cells compute the same. */
function areOneNetwork(a: Nb201Genotype, b: Nb201Genotype): boolean {
  const expected = evaluate(a, WEIGHTS)
  return ORDERS.some((order) => {
    const found = evaluate(
      b,
      order.map((edge) => WEIGHTS[edge]),
    )
    return Math.abs(found[0] - expected[0]) + Math.abs(found[1] - expected[1]) < 1e-9
  })
}

test('there are 5,234 different networks', () => {
  expect(new Set(all.map(trainingKey)).size).toBe(5234)
})

test('architectures share a training key exactly if an exchange of weights makes them equal', () => {
  const draw = random(0, 'test', 'pairs')
  const several = functionalClasses().filter((members) => members.length > 1)
  const verdicts = Array.from({ length: 150 }, () => {
    const [a, b] = draw.permutation(all.length)
    const members = draw.choice(several)
    const [c, d] = draw.permutation(members.length)
    return [
      [all[a], all[b]],
      [all[members[c]], all[members[d]]],
    ] as const
  }).flat()
  for (const [a, b] of verdicts) {
    const pair = `${nb201.format(a)} and ${nb201.format(b)}`
    expect(trainingKey(a) === trainingKey(b), pair).toBe(areOneNetwork(a, b))
  }
})

test('one convolution used twice is not two convolutions', () => {
  const shared = parse('|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|')
  const separate = parse('|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_3x3~0|skip_connect~1|none~2|')
  expect(trainingKey(shared)).toBe('(0)@nor_conv_3x3+(0)@nor_conv_3x3')
  expect(trainingKey(separate)).toBe('(0)@nor_conv_3x3.0+(0)@nor_conv_3x3.1')
})

test('a convolution of zeros is a learned shift, whatever its kernel', () => {
  const names = ['nor_conv_1x1', 'nor_conv_3x3'].map((op) =>
    trainingKey(parse(`|none~0|+|none~0|none~1|+|skip_connect~0|${op}~1|none~2|`)),
  )
  expect(names).toEqual(['0+shift', '0+shift'])
})

test('the order and nesting of sums do not matter, nor does pooling before or after a sum', () => {
  const after = parse('|nor_conv_1x1~0|+|skip_connect~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|')
  const before = parse('|nor_conv_1x1~0|+|none~0|avg_pool_3x3~1|+|avg_pool_3x3~0|none~1|skip_connect~2|')
  expect(trainingKey(after)).toBe(trainingKey(before))
})

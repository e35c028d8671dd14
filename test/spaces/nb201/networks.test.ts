import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { coefficientLayout } from '../../../src/core/mixing.ts'
import { type Layer, macCount, type Network, parameterCount } from '../../../src/core/network.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { type GoldenParameter, type GoldenTensor, parameterShape, readGolden } from '../../fixtures/golden.ts'

interface SupernetCase {
  readonly id: string
  readonly C: number
  readonly N: number
  readonly k: number
  readonly classes: number
  readonly input: GoldenTensor
  readonly params: readonly GoldenParameter[]
}

interface NetworkCase {
  readonly arch: string
  readonly params_C16_N5: Readonly<Record<string, number>>
  readonly macs_C16_N5: Readonly<Record<string, number>>
  readonly tiny: Omit<SupernetCase, 'id' | 'k'> & { readonly param_count: number }
}

const supernets = readGolden<{ cases: SupernetCase[] }>('nb201_supernet').cases
const networks = readGolden<{ nb201: NetworkCase[] }>('networks').nb201
const shapes = {
  cifar10: { height: 32, width: 32, channels: 3, classes: 10 },
  cifar100: { height: 32, width: 32, channels: 3, classes: 100 },
  'ImageNet16-120': { height: 16, width: 16, channels: 3, classes: 120 },
}
const batchNorm = { affine: false, track: false }
const parameters = (network: Network) => network.parameters.map(({ name, shape }) => ({ name, shape: [...shape] }))
const expected = (params: readonly GoldenTensor[]) =>
  params.map((tensor) => ({ name: tensor.name, shape: parameterShape(tensor) }))
const layersOf = <K extends Layer['kind']>(network: Network, kind: K) =>
  network.layers.filter((layer): layer is Extract<Layer, { kind: K }> => layer.kind === kind)

test.each(supernets)('the search network $id has the reference parameters in the reference order', (golden) => {
  const [, channels, height, width] = golden.input.shape
  const network = nb201.supernet({
    shape: { height, width, channels, classes: golden.classes },
    channels: golden.C,
    depth: golden.N,
    partialChannels: golden.k,
    batchNorm,
  })
  expect(parameters(network)).toEqual(expected(golden.params))
})

test.each(networks)('the network of $arch has the reference parameters, and as many at full size', (golden) => {
  const genotype = nb201.parse(golden.arch)
  const { tiny } = golden
  const [, channels, height, width] = tiny.input.shape
  const shape = { height, width, channels, classes: tiny.classes }
  const small = nb201.network(genotype, { shape, channels: tiny.C, depth: tiny.N })
  expect(parameters(small)).toEqual(expected(tiny.params))
  expect(parameterCount(small)).toBe(tiny.param_count)
  for (const [dataset, shape] of Object.entries(shapes)) {
    const full = nb201.network(genotype, { shape, channels: 16, depth: 5 })
    expect(parameterCount(full)).toBe(golden.params_C16_N5[dataset])
    expect(macCount(full)).toBe(golden.macs_C16_N5[dataset])
  }
})

test('a search cell without partial channels is one mix per node, over every edge and operation into the node', () => {
  const network = nb201.supernet({ shape: shapes.cifar10, channels: 4, depth: 2, batchNorm })
  const mixes = layersOf(network, 'mix')
  expect(mixes).toHaveLength(2 * 3 * 3)
  const layout = coefficientLayout([5, 5, 5, 5, 5, 5])
  const rows = [[0], [1, 2], [3, 4, 5]]
  mixes.forEach((mix, i) => {
    const ids = rows[i % 3].flatMap((edge) => [0, 1, 2, 3, 4].map((op) => layout.op(edge, op)))
    expect(mix.coefficients).toEqual(ids)
    expect(mix.inputs.map((input) => input === null)).toEqual(ids.map((id) => id % 5 === 0))
  })
  expect(network.coefficientCount).toBe(layout.count)
  expect(layersOf(network, 'concat')).toHaveLength(0)
})

test('edges that leave one node share its ReLU and its pooling', () => {
  const network = nb201.supernet({ shape: shapes.cifar10, channels: 4, depth: 1, batchNorm })
  // nodes 0, 1, 2 of each of three cells; two in each of two residual blocks, one before the head
  expect(layersOf(network, 'relu')).toHaveLength(3 * 3 + 2 * 2 + 1)
  expect(layersOf(network, 'avgPool')).toHaveLength(3 * 3 + 2)
})

test('with edge normalisation each edge is a mix of its operations, multiplied by its own coefficient at the node', () => {
  const options = { shape: shapes.cifar10, channels: 8, depth: 1, batchNorm, edgeNormalisation: true }
  const layout = coefficientLayout([5, 5, 5, 5, 5, 5])
  const perCell = layersOf(nb201.supernet(options), 'mix').slice(0, 6 + 3)
  expect(perCell.map(({ coefficients }) => coefficients[0])).toEqual([
    ...[layout.op(0, 0), layout.edge(0)],
    ...[layout.op(1, 0), layout.op(2, 0), layout.edge(1)],
    ...[layout.op(3, 0), layout.op(4, 0), layout.op(5, 0), layout.edge(3)],
  ])
  expect(perCell[8].coefficients).toEqual([3, 4, 5].map(layout.edge))

  // the channels that pass by carry the edge's weight as well
  const partial = nb201.supernet({ ...options, partialChannels: 4 })
  const edgeMixes = layersOf(partial, 'mix').filter(({ coefficients }) => coefficients[0] >= layout.edge(0))
  expect(edgeMixes.slice(0, 2).map(({ output }) => partial.values[output].channels)).toEqual([2, 6])
})

test('with partial channels the operations see 1/k of the channels, the others follow, and all are shuffled', () => {
  const network = nb201.supernet({ shape: shapes.cifar10, channels: 8, depth: 1, partialChannels: 4, batchNorm })
  const slices = layersOf(network, 'slice').slice(0, 2)
  expect(slices.map(({ from, count }) => [from, count])).toEqual([
    [0, 2],
    [2, 6],
  ])
  const [concat] = layersOf(network, 'concat')
  expect(concat.inputs.map((id) => network.values[id].channels)).toEqual([2, 6])
  expect(concat.inputs[1]).toBe(slices[1].output)
  expect(layersOf(network, 'shuffle')).toHaveLength(3 * 3)
  expect(layersOf(network, 'shuffle')[0]).toMatchObject({ input: concat.output, groups: 4 })
})

test('dropped edges are refused, because the supernet has no drop-path layers', () => {
  const options = { shape: shapes.cifar10, channels: 4, depth: 1, batchNorm }
  expect(() => nb201.supernet({ ...options, dropPath: 0.2 })).toThrow(/^network.dropPath: .* on the DARTS space only/)
  expect(nb201.supernet({ ...options, dropPath: 0 }).pathCount).toBe(0)
})

test('partial channels that do not divide the channels are refused with the numbers', () => {
  expect(() =>
    nb201.supernet({ shape: shapes.cifar10, channels: 16, depth: 1, partialChannels: 6, batchNorm }),
  ).toThrow('partial channels k = 6: 16 channels cannot be cut into 6 equal parts; choose a divisor of 16')
})

test('batch norms in search cells follow the options; those of stem, residual blocks and head always learn and track', () => {
  const options = { shape: shapes.cifar10, channels: 4, depth: 1 }
  const norms = (affine: boolean, track: boolean) =>
    layersOf(nb201.supernet({ ...options, batchNorm: { affine, track } }), 'batchNorm')
  const skeleton = 1 + 2 * 2 + 1
  const cells = 3 * 6 * 2
  expect(norms(false, false)).toHaveLength(skeleton + cells)
  expect(norms(false, false).filter(({ affine }) => affine !== null)).toHaveLength(skeleton)
  expect(norms(false, false).filter(({ statistics }) => statistics !== null)).toHaveLength(skeleton)
  expect(norms(true, true).every(({ affine, statistics }) => affine !== null && statistics !== null)).toBe(true)
})

test('a node whose edges are all none is zeros', () => {
  const none = nb201.parse('|none~0|+|none~0|none~1|+|none~0|none~1|none~2|')
  const network = nb201.network(none, { shape: shapes.cifar10, channels: 4, depth: 1 })
  expect(layersOf(network, 'zeros')).toHaveLength(3 * 3)
})

test('images too small for two reductions are refused', () => {
  const shape = { height: 2, width: 2, channels: 3, classes: 10 }
  expect(() => nb201.supernet({ shape, channels: 4, depth: 1, batchNorm })).toThrow('does not fit')
})

const tableFile = new URL('../../../../shared/data/nb201/nb201.csv.gz', import.meta.url)

test.skipIf(!existsSync(tableFile))(
  'parameters and MACs of every hundredth row of the real table agree (skipped where ../shared/data is absent)',
  () => {
    const [header, ...rows] = gunzipSync(readFileSync(tableFile)).toString().trim().split('\n')
    const columns = header.split(',')
    for (let index = 0; index < rows.length; index += 100) {
      const cells = rows[index].split(',')
      const column = (name: string) => Number(cells[columns.indexOf(name)])
      const network = nb201.network(nb201.parse(cells[1]), { shape: shapes.cifar10, channels: 16, depth: 5 })
      // printed with four digits
      expect(Math.abs(parameterCount(network) / 1e6 - column('params-M'))).toBeLessThan(5.1e-5)
      expect(Math.abs(macCount(network) / 1e6 - column('flops-M'))).toBeLessThan(5.1e-5)
    }
  },
)

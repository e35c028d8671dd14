import { describe, expect, test } from 'vitest'
import { coefficientLayout } from '../../../src/core/mixing.ts'
import { type Layer, macCount, type Network, parameterCount } from '../../../src/core/network.ts'
import {
  type DartsGenotype,
  darts,
  dartsS1,
  dartsS3,
  dartsS4,
  PUBLISHED,
  parseCells,
} from '../../../src/spaces/darts/index.ts'
import {
  fromColumns,
  type GoldenParameter,
  type GoldenTensor,
  parameterShape,
  readGolden,
} from '../../fixtures/golden.ts'

interface Tiny {
  readonly C: number
  readonly layers: number
  readonly classes: number
  readonly input: GoldenTensor
  readonly params_columns: readonly string[]
  readonly params: readonly (readonly unknown[])[]
}

interface SupernetCase extends Tiny {
  readonly id: string
  readonly K: number
  readonly edge_normalisation: boolean
}

interface NetworkCase extends Tiny {
  readonly genotype: string
  readonly family: 'cifar' | 'imagenet'
  readonly auxiliary: boolean
  readonly pool_followed_by_bn_without_affine: boolean
}

interface Counts {
  readonly params: number
  readonly macs: number
  readonly params_with_auxiliary: number
}

interface GenotypeCase {
  readonly name: string
  readonly normal: readonly unknown[]
  readonly reduce: readonly unknown[]
  readonly cifar10_C36_L20: Counts
  readonly cifar100_C36_L20: Counts
  readonly imagenet_C48_L14: Counts
}

const supernets = readGolden<{ cases: SupernetCase[] }>('darts_supernet').cases
const networks = readGolden<{ darts_genotypes: GenotypeCase[]; darts_tiny: NetworkCase[] }>('networks')
const batchNorm = { affine: false, track: true }
const cifar = { height: 32, width: 32, channels: 3, classes: 10 }
const imagenet = { height: 224, width: 224, channels: 3, classes: 1000 }
const genotypes = new Map(
  networks.darts_genotypes.map(({ name, normal, reduce }) => [name, darts.parse(JSON.stringify({ normal, reduce }))]),
)
const genotypeOf = (name: string) => genotypes.get(name) ?? darts.parse(name)
const imageShape = ({ input, classes }: Tiny) => {
  const [, channels, height, width] = input.shape
  return { channels, height, width, classes }
}
const parameters = (network: Network) => network.parameters.map(({ name, shape }) => ({ name, shape: [...shape] }))
const expected = ({ params_columns, params }: Tiny) =>
  fromColumns<GoldenParameter>(params_columns, params).map((tensor) => ({
    name: tensor.name,
    shape: parameterShape(tensor),
  }))
const layersOf = <K extends Layer['kind']>(network: Network, kind: K) =>
  network.layers.filter((layer): layer is Extract<Layer, { kind: K }> => layer.kind === kind)

test.each(supernets)('the search network $id has the reference parameters in the reference order', (golden) => {
  const network = darts.supernet({
    shape: imageShape(golden),
    channels: golden.C,
    depth: golden.layers,
    partialChannels: golden.K,
    edgeNormalisation: golden.edge_normalisation,
    batchNorm,
  })
  expect(parameters(network)).toEqual(expected(golden))
  expect(network.coefficientCount).toBe(28 * 8 + 28)
})

test.each(networks.darts_tiny)('the $family network of $genotype has the reference parameters', (golden) => {
  const network = darts.network(genotypeOf(golden.genotype), {
    shape: imageShape(golden),
    channels: golden.C,
    depth: golden.layers,
    family: golden.family,
    auxiliary: golden.auxiliary,
    pooledBatchNorm: golden.pool_followed_by_bn_without_affine,
  })
  expect(parameters(network)).toEqual(expected(golden))
  expect(network.heads.map(({ lossWeight }) => lossWeight)).toEqual(golden.auxiliary ? [1, 0.4] : [1])
})

test.each(networks.darts_genotypes)('$name has as many parameters and MACs as the reference, to the unit', (golden) => {
  const genotype = genotypeOf(golden.name)
  const evaluation = [
    [golden.cifar10_C36_L20, { shape: cifar, channels: 36, depth: 20 }],
    [golden.cifar100_C36_L20, { shape: { ...cifar, classes: 100 }, channels: 36, depth: 20 }],
    [golden.imagenet_C48_L14, { shape: imagenet, channels: 48, depth: 14, family: 'imagenet' }],
  ] as const
  for (const [counts, options] of evaluation) {
    const network = darts.network(genotype, options)
    expect(parameterCount(network)).toBe(counts.params)
    expect(macCount(network)).toBe(counts.macs)
    expect(parameterCount(darts.network(genotype, { ...options, auxiliary: true }))).toBe(counts.params_with_auxiliary)
  }
})

test('parameters in millions are those that the papers print', () => {
  const printed = { DARTS_V2: 3.3, GDAS: 3.4, PDARTS: 3.4, PCDARTS: 3.6, SGAS_CRI1: 3.8, SGAS_CRI2: 4.1, DRNAS: 4.1 }
  for (const [name, millions] of Object.entries(printed)) {
    expect(PUBLISHED).toHaveProperty(name)
    const network = darts.network(darts.parse(name), { shape: cifar, channels: 36, depth: 20 })
    expect(Math.round(parameterCount(network) / 1e5) / 10, name).toBe(millions)
  }
})

test('the cells of DARTS-PT have the parameters that their authors note beside them', () => {
  const noted = { DARTS_PT: [2.85, 3.05, 2.66, 3.33], DARTS_PT_FIXED: [3.04, 3.15, 2.58, 3.4] }
  for (const [name, millions] of Object.entries(noted)) {
    const counted = millions.map((_, i) => {
      const network = darts.network(darts.parse(`${name}_${i}`), { shape: cifar, channels: 36, depth: 20 })
      return Math.round(parameterCount(network) / 1e4) / 100
    })
    expect(counted, name).toEqual(millions)
  }
})

test('a supernet without partial channels has one mix per node, with the coefficients of its cell type', () => {
  const network = darts.supernet({ shape: cifar, channels: 4, depth: 3, batchNorm })
  const mixes = layersOf(network, 'mix')
  expect(mixes).toHaveLength(3 * 4)
  const layout = coefficientLayout(darts.edges.map(({ operations }) => operations.length))
  // cell 0 is normal, cells 1 and 2 are reduction cells; nodes 2, 3, 4, 5 have edges from row 0, 2, 5, 9
  expect(mixes.map(({ coefficients }) => coefficients[0])).toEqual(
    [0, 14, 14].flatMap((first) => [0, 2, 5, 9].map((row) => layout.op(first + row, 0))),
  )
  expect(mixes.slice(0, 4).map(({ inputs }) => inputs.length)).toEqual([16, 24, 32, 40])
})

test('edges that leave one node share its ReLU, its poolings and their batch normalisation', () => {
  const network = darts.supernet({ shape: cifar, channels: 4, depth: 1, batchNorm })
  // the single cell reduces: at stride 2 on nodes 0 and 1, at stride 1 on nodes 2, 3 and 4
  expect(layersOf(network, 'maxPool')).toHaveLength(5)
  expect(layersOf(network, 'avgPool')).toHaveLength(5)
  expect(layersOf(network, 'crop')).toHaveLength(2)
})

test('in a reduction cell the channels that bypass the operations are halved by max pooling', () => {
  const options = { shape: cifar, channels: 8, depth: 1, partialChannels: 4, batchNorm }
  const pools = layersOf(darts.supernet(options), 'maxPool').filter(({ window }) => window.kernel === 2)
  expect(pools.map(({ window }) => window.stride)).toEqual([2, 2])
})

test('drop path is applied to every operation but identities', () => {
  const options = { shape: cifar, channels: 4, depth: 3 }
  const network = darts.network(darts.parse('DARTS_V2'), { ...options, dropPath: true })
  const { normal, reduce } = darts.parse('DARTS_V2') as DartsGenotype
  const dropped = [normal, reduce, reduce].flatMap((cell) =>
    cell.filter(({ operation, from }) => operation !== 'skip_connect' || (cell === reduce && from < 2)),
  )
  expect(network.pathCount).toBe(dropped.length)
  expect(layersOf(network, 'dropPath').map(({ path }) => path)).toEqual(dropped.map((_, i) => i))
  expect(darts.network(darts.parse('DARTS_V2'), options).pathCount).toBe(0)
})

test('simplified spaces have narrower rows and smaller search networks', () => {
  const options = { shape: cifar, channels: 4, depth: 3, batchNorm }
  expect(dartsS1.supernet(options).coefficientCount).toBe(28 * 2 + 28)
  expect(dartsS3.supernet(options).coefficientCount).toBe(28 * 3 + 28)
  const [mix] = layersOf(dartsS3.supernet(options), 'mix')
  expect(mix.inputs.map((input) => input === null)).toEqual([true, false, false, true, false, false])
})

test('the search network takes the ImageNet stem', () => {
  const shape = { ...imagenet, height: 64, width: 64 }
  const network = darts.supernet({ shape, channels: 4, depth: 3, family: 'imagenet', batchNorm })
  expect(network.parameters[0]).toMatchObject({ name: 'stem0.conv1.weight', shape: [3, 3, 3, 6] })
  const [stem1] = network.parameters.filter(({ name }) => name === 'stem1.conv.weight')
  expect(stem1.shape).toEqual([3, 3, 12, 12])
  expect(network.values[network.features]).toEqual({ height: 2, width: 2, channels: 64 })
})

test('images whose size cannot be halved are refused with the place', () => {
  const shape = { ...cifar, height: 30, width: 30 }
  expect(() => darts.network(darts.parse('DARTS_V2'), { shape, channels: 4, depth: 6 })).toThrow(
    'cell4: cannot halve 15×15 pixels into 16 channels; all three must be even',
  )
})

test('S4 has a noise layer on every edge, at half size where the edge halves, and keeps noise in its cells', () => {
  const network = dartsS4.supernet({ shape: cifar, channels: 4, depth: 3, batchNorm })
  const noises = layersOf(network, 'noise')
  expect(noises.map(({ site }) => site)).toEqual(Array.from({ length: 42 }, (_, i) => i))
  expect(network.values[noises[0].output]).toEqual({ height: 32, width: 32, channels: 4 })
  expect(network.values[noises[14].output]).toEqual({ height: 16, width: 16, channels: 8 })
  const genotype = dartsS4.derive(dartsS4.edges.map(() => [0.9, 0.1])) as DartsGenotype
  expect(genotype.normal.every(({ operation }) => operation === 'noise')).toBe(true)
  const alone = dartsS4.network(genotype, { shape: cifar, channels: 4, depth: 3, dropPath: true })
  expect(layersOf(alone, 'noise')).toHaveLength(24)
  expect(alone.pathCount).toBe(24)
  expect((parseCells(dartsS4.format(genotype)) as DartsGenotype).reduce).toEqual(genotype.reduce)
})

test('noise is an operation of S4 only', () => {
  const text = dartsS4.format(dartsS4.derive(dartsS4.edges.map(() => [0.9, 0.1])) as DartsGenotype)
  expect(() => darts.parse(text)).toThrow('unknown operation "noise"')
  expect(() => dartsS4.parse('DARTS_V2')).toThrow('unknown operation "skip_connect"; allowed are noise, sep_conv_3x3')
})

test('the networks of Fair-DARTS’ sparse cells have the published numbers of parameters and FLOPs', () => {
  // xiaomi-automl/FairDARTS: fairdarts/genotypes.py, in millions; all but C with the auxiliary head.
  const published = {
    ...{ A: [2.83, 373], B: [3.88, 536], C: [2.59, 400], D: [3.84, 532], E: [3.12, 414], F: [3.62, 497] },
    G: [3.375, 453],
  }
  for (const [letter, [parameters, flops]] of Object.entries(published)) {
    const options = { shape: cifar, channels: 36, depth: 20, auxiliary: letter !== 'C' }
    const network = darts.network(darts.parse(`FAIRDARTS_${letter}`), options)
    expect(Math.abs(parameterCount(network) / 1e6 - parameters), letter).toBeLessThan(0.01)
    expect(Math.abs(macCount(network) / 1e6 - flops), letter).toBeLessThan(2)
  }
})

test('a cell whose nodes all lack inputs gives zeros of the channels of one node', () => {
  const nothing =
    "[('none', 0), ('none', 1), ('none', 0), ('none', 1), ('none', 0), ('none', 1), ('none', 0), ('none', 1)]"
  const genotype = darts.parse(`Genotype(normal=${nothing}, reduce=${nothing})`)
  const network = darts.network(genotype, { shape: cifar, channels: 4, depth: 3 })
  expect(network.layers.filter(({ kind }) => kind === 'zeros').map(({ output }) => network.values[output])).toEqual([
    { height: 32, width: 32, channels: 4 },
    { height: 16, width: 16, channels: 8 },
    { height: 8, width: 8, channels: 16 },
  ])
})

describe('the network of a list of cells', () => {
  const pair = darts.parse('DARTS_V2') as DartsGenotype
  const listOf = (normals: readonly string[], reductions: readonly number[]) => ({
    ...{ space: 'darts', reductions },
    // The first input of a normal cell tells which it is.
    cells: normals.map((operation, at) => {
      const [first, ...rest] = reductions.includes(at) ? pair.reduce : pair.normal
      return [{ ...first, operation: operation as typeof first.operation }, ...rest]
    }),
  })
  /** Returns the first operation of every cell of the network of a list. */
  const firsts = (list: ReturnType<typeof listOf>, depth: number) => {
    const { parameters } = darts.network(list, { shape: cifar, channels: 4, depth })
    return [...new Set(parameters.flatMap(({ name }) => /^cell\d+\.op0\.\w+/.exec(name)?.[0] ?? []))].map((text) =>
      text.split('.').at(-1),
    )
  }

  test('is that of two cells if the list repeats them', () => {
    const cells = Array.from({ length: 8 }, (_, at) => (at === 2 || at === 5 ? pair.reduce : pair.normal))
    for (const depth of [4, 8, 11]) {
      const options = { shape: cifar, channels: 4, depth, dropPath: true }
      expect(darts.network({ space: 'darts', cells, reductions: [2, 5] }, options)).toEqual(
        darts.network(pair, options),
      )
    }
  })

  test('has the list’s own cells and reduction cells at its own depth', () => {
    const network = darts.network(darts.parse('D_DARTS'), { shape: cifar, channels: 4, depth: 8 })
    const widths = Array.from({ length: 8 }, (_, cell) => {
      const { shape } = network.parameters.find(({ name }) => name === `cell${cell}.preprocess1.conv.weight`) ?? {}
      return shape?.at(-1)
    })
    expect(widths).toEqual([4, 4, 8, 8, 8, 8, 16, 16])
  })

  test('repeats the normal cells of each third in turn if it is deeper, and takes the first if it is shallower', () => {
    const [a, b, c, d] = ['sep_conv_3x3', 'sep_conv_5x5', 'dil_conv_3x3', 'dil_conv_5x5']
    const list = listOf([a, b, a, c, d, b, d], [2, 5])
    expect(firsts(list, 11)).toEqual([a, b, a, a, c, d, c, b, d, d, d])
    expect(firsts(list, 5)).toEqual([a, a, c, b, d])
    const bare = listOf([a, b, c, d], [1, 2])
    expect(firsts(bare, 6)).toEqual([a, a, b, a, c, d])
  })
})

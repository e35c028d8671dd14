/**
 * Tests against `networks.json`: loss, logits and gradients of single architectures, with and without auxiliary head.
 */
import { beforeAll, describe, expect } from 'vitest'
import type { Executor } from '../../../src/core/executor.ts'
import type { Network } from '../../../src/core/network.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { fromColumns, type GoldenParameter, goldenWeights, readGolden } from '../../fixtures/golden.ts'
import { norm, toleranceOf } from './closeness.ts'
import type { DeclareTest } from './declareTest.ts'
import { batchOf, expectLogits, expectParameterGradients, type NetworkCase, shapeOf } from './networkCase.ts'

interface TinyCase extends NetworkCase {
  readonly C: number
  readonly total_grad_l2: number
  readonly float32_deviation: { readonly grad_rel_l2: number }
}

interface Nb201Case {
  readonly arch: string
  readonly tiny: TinyCase & { readonly N: number; readonly loss: number; readonly params: readonly GoldenParameter[] }
}

interface DartsCase extends TinyCase {
  readonly genotype: string
  readonly family: 'cifar' | 'imagenet'
  readonly layers: number
  readonly auxiliary: boolean
  readonly pool_followed_by_bn_without_affine: boolean
  readonly loss_total: number
  readonly params_columns: readonly string[]
  readonly params: readonly (readonly unknown[])[]
}

interface Genotype {
  readonly name: string
  readonly normal: readonly [string, number][]
  readonly reduce: readonly [string, number][]
}

interface Networks {
  readonly nb201: readonly Nb201Case[]
  readonly darts_tiny: readonly DartsCase[]
  readonly darts_genotypes: readonly Genotype[]
}

export function describeDiscreteNetworks(open: () => Promise<Executor>, check: DeclareTest): void {
  const golden = readGolden<Networks>('networks')
  let executor: Executor
  beforeAll(async () => {
    executor = await open()
  })

  describe('single architectures: loss, logits and gradients', () => {
    for (const { arch, tiny } of golden.nb201) {
      check(`nb201 ${arch}`, async () => {
        const network = nb201.network(nb201.parse(arch), { shape: shapeOf(tiny), channels: tiny.C, depth: tiny.N })
        await checkNetwork(executor, network, tiny, tiny.loss, tiny.params)
      })
    }
    for (const tiny of golden.darts_tiny) {
      const pooling = tiny.pool_followed_by_bn_without_affine ? ', poolings normalised' : ''
      check(`DARTS ${tiny.family} ${tiny.genotype} of ${tiny.layers} cells${pooling}`, async () => {
        const { name, ...cells } = golden.darts_genotypes.find(({ name }) => name === tiny.genotype) as Genotype
        const network = darts.network(darts.parse(JSON.stringify(cells)), {
          shape: shapeOf(tiny),
          channels: tiny.C,
          depth: tiny.layers,
          auxiliary: tiny.auxiliary,
          family: tiny.family,
          pooledBatchNorm: tiny.pool_followed_by_bn_without_affine,
        })
        const parameters = fromColumns<GoldenParameter>(tiny.params_columns, tiny.params)
        await checkNetwork(executor, network, tiny, tiny.loss_total, parameters)
      })
    }
  })
}

async function checkNetwork(
  executor: Executor,
  network: Network,
  golden: TinyCase,
  loss: number,
  parameters: readonly GoldenParameter[],
): Promise<void> {
  expect(network.parameters.map(({ name }) => name)).toEqual(parameters.map(({ name }) => name))
  const tolerance = toleranceOf(golden.float32_deviation.grad_rel_l2)
  const feed = { batch: batchOf(golden.input, golden.labels) }
  const executable = await executor.compile(network, { batchSize: feed.batch.size })
  executable.weights.write(goldenWeights(parameters))
  await expectLogits(executable, feed, golden, tolerance)

  const weights = executable.vector()
  const result = await executable.gradient(feed, { kind: 'cross-entropy' }, { weights }, 'train')
  const gradient = await weights.read()
  executable.dispose()

  expect(Math.abs(result.loss - loss)).toBeLessThan(tolerance)
  expect(Math.abs(norm(gradient) / golden.total_grad_l2 - 1)).toBeLessThan(tolerance)
  expectParameterGradients(network, gradient, parameters, tolerance)
}

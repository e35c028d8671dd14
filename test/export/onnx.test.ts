import { createRequire } from 'node:module'
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { beforeAll, describe, expect, test } from 'vitest'
import { NetworkBuilder } from '../../src/core/networkBuilder.ts'
import { deployedTensors } from '../../src/export/deployment.ts'
import { onnxModel } from '../../src/export/onnx.ts'
import { dartsFamily } from '../../src/spaces/darts/index.ts'
import { cases, channelsFirst, relativeDifference, type TrainedCase, trainCase } from './trainedNetworks.ts'

/** The part of onnxruntime-node that is used here; its package is optional, so its types may be absent. */
interface Runtime {
  readonly InferenceSession: {
    create(bytes: Uint8Array): Promise<{
      run(
        feeds: Record<string, unknown>,
      ): Promise<Record<string, { readonly data: Float32Array; readonly dims: number[] }>>
    }>
  }
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => unknown
}

function runtimeHere(): Runtime | undefined {
  try {
    return createRequire(import.meta.url)('onnxruntime-node') as Runtime
  } catch {
    return undefined
  }
}
/** CI installs the package and sets EXPECT_ONNXRUNTIME, so that the comparison is not skipped there. */
const runtime = runtimeHere()

describe.each(cases)('the ONNX file of $name', (kind) => {
  let trained: TrainedCase
  let bytes: Uint8Array
  beforeAll(async () => {
    trained = await trainCase(kind)
    bytes = onnxModel(trained.deployment)
  })

  test.skipIf(runtime === undefined && !process.env.EXPECT_ONNXRUNTIME)(
    `gives the same logits in onnxruntime for any batch${runtime ? '' : ' (skipped: onnxruntime-node is not installed)'}`,
    async () => {
      const { Tensor, InferenceSession } = runtime as Runtime
      const session = await InferenceSession.create(bytes)
      const { images, count, logits, deployment } = trained
      const { height, width, classNames } = deployment.input
      for (const size of [count, 1]) {
        const part = channelsFirst(images, count).subarray(0, size * 3 * height * width)
        const output = await session.run({ images: new Tensor('float32', part, [size, 3, height, width]) })
        expect(output.logits.dims).toEqual([size, classNames.length])
        const expected = logits.slice(0, size * classNames.length)
        expect(relativeDifference(output.logits.data, expected)).toBeLessThan(1e-4)
        const sums = Array.from({ length: size }, (_, i) =>
          output.probabilities.data.slice(3 * i, 3 * i + 3).reduce((sum, p) => sum + p, 0),
        )
        for (const sum of sums) expect(sum).toBeCloseTo(1, 5)
      }
    },
  )

  test('is of a network whose batch-norm statistics, scales and shifts are all away from their defaults', () => {
    const tensors = [...deployedTensors(trained.deployment).values()]
    const norms = tensors.filter(({ name }) => /\bbn\w*\.|running_/.test(name))
    expect(norms.length).toBeGreaterThanOrEqual(4)
    for (const { name, values } of norms) {
      const usual = /mean|bias/.test(name) ? 0 : 1
      expect(Math.min(...values.map((value) => Math.abs(value - usual))), name).toBeGreaterThan(1e-5)
    }
  })

  test('has opset 17, images in NCHW with any batch size, classes and normalisation', () => {
    const { opsetImport, graph, metadataProps } = fromBinary(ModelProtoSchema, bytes)
    expect(opsetImport.map(({ version }) => version)).toEqual([17n])
    const extents = (info: NonNullable<typeof graph>['input'][number] | undefined) =>
      info?.type?.value.case === 'tensorType' ? info.type.value.value.shape?.dim.map(({ value }) => value.value) : []
    const { height, width } = trained.deployment.input
    expect(extents(graph?.input[0])).toEqual(['batch', 3n, BigInt(height), BigInt(width)])
    expect(graph?.output.map((output) => [output.name, extents(output)])).toEqual([
      ['logits', ['batch', 3n]],
      ['probabilities', ['batch', 3n]],
    ])
    const texts = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]))
    expect(JSON.parse(texts.classes)).toEqual(['apple', 'pear', 'plum'])
    expect(texts.genotype).toBe(kind.genotype)
  })

  test('has each tensor of the network once, and none of the auxiliary head', () => {
    const names = fromBinary(ModelProtoSchema, bytes).graph?.initializer.map(({ name }) => name) ?? []
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => name.startsWith('auxiliary'))).toEqual([])
    expect(names.filter((name) => name.startsWith('classifier.')).length).toBeGreaterThan(1)
  })
})

describe('a network that ONNX cannot express is refused in one line:', () => {
  const input = { height: 8, width: 8, channels: 3, classNames: ['a', 'b'], mean: [0, 0, 0], std: [1, 1, 1] }
  const shape = { height: 8, width: 8, channels: 3, classes: 2 }
  const deploy = (network: ReturnType<typeof dartsFamily.network>) => ({
    ...{ network, input, notes: {} },
    state: { weights: new Float32Array(1e6), statistics: new Float32Array(1e5) },
  })

  test('one with noise', () => {
    const cell = ['sep_conv_3x3', 'noise', 'sep_conv_3x3', 'noise', 'noise', 'noise', 'sep_conv_3x3', 'noise']
    const listed = cell.map((operation, i) => [operation, i % 2])
    const genotype = dartsFamily.parse(JSON.stringify({ normal: listed, reduce: listed }))
    const network = dartsFamily.network(genotype, { shape, channels: 4, depth: 3 })
    expect(() => onnxModel(deploy(network))).toThrow(
      'darts network, C=4 L=3 has no form in ONNX: the operation noise draws new numbers for every image; export an architecture without it',
    )
  })

  test('one with batch statistics, and one with mixing weights', () => {
    const builder = new NetworkBuilder(shape)
    const norm = builder.batchNorm(builder.input, { affine: true, track: false }, 'a.bn')
    const logits = builder.linear(builder.globalMean(norm), 2, 'classifier')
    const network = builder.build({ name: 'mine', heads: [{ logits, lossWeight: 1 }], features: norm })
    expect(() => onnxModel(deploy(network))).toThrow('mine has no form in ONNX: a batch normalisation without running')
    const mixing = new NetworkBuilder(shape)
    const mixed = mixing.mix([mixing.input], [0], shape)
    const head = mixing.linear(mixing.globalMean(mixed), 2, 'classifier')
    const search = mixing.build({ name: 'search', heads: [{ logits: head, lossWeight: 1 }], features: mixed })
    expect(() => onnxModel(deploy(search))).toThrow('search has no form in ONNX: the layer mix depends on a search')
  })
})

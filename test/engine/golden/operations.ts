/**
 * Tests against `ops.json`: the output of each operation, and the gradients of Σ output·cotangent with respect to its
 * weights and its input.
 */
import { beforeAll, describe, expect } from 'vitest'
import type { Executor } from '../../../src/core/executor.ts'
import type { Network, Value, ValueId } from '../../../src/core/network.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import {
  type GoldenTensor,
  goldenActivation,
  goldenValues,
  goldenWeights,
  readGolden,
  toNchw,
  toReferenceLayout,
} from '../../fixtures/golden.ts'
import { expectClose, norm } from './closeness.ts'
import type { DeclareTest } from './declareTest.ts'

interface Summary {
  readonly shape: readonly number[]
  readonly l2: number
  readonly sum: number
  /** All entries if there are few, else the first eight and the last four. */
  readonly values?: readonly number[]
  readonly first8?: readonly number[]
  readonly last4?: readonly number[]
}

interface OperationCase {
  readonly id: string
  readonly input: GoldenTensor
  readonly weights: readonly GoldenTensor[]
  readonly cotangent: GoldenTensor
  readonly output: Summary
  readonly grad_input: Summary
  readonly grad_weights: readonly Summary[]
}

interface CrossEntropyCase {
  readonly id: string
  readonly logits: GoldenTensor
  readonly labels: readonly number[]
  readonly label_smoothing: number
  readonly loss: number
  readonly grad_logits: readonly (readonly number[])[]
}

interface Operations {
  readonly even: readonly OperationCase[]
  readonly odd: readonly OperationCase[]
  readonly cross_entropy: readonly CrossEntropyCase[]
}

const TOLERANCE = 1e-5

export function describeOperations(open: () => Promise<Executor>, check: DeclareTest): void {
  const golden = readGolden<Operations>('ops')
  let executor: Executor
  beforeAll(async () => {
    executor = await open()
  })

  for (const section of ['even', 'odd'] as const) {
    describe(`operations on ${section} sizes`, () => {
      for (const operation of golden[section]) {
        check(`${operation.id}: output and both gradients`, async () => checkOperation(executor, operation))
      }
    })
  }

  describe('cross-entropy', () => {
    for (const crossEntropy of golden.cross_entropy) {
      check(`${crossEntropy.id}: loss and gradient wrt the logits`, async () =>
        checkCrossEntropy(executor, crossEntropy),
      )
    }
    for (const weighted of WEIGHTED_CROSS_ENTROPY) {
      check(`with class weights and smoothing ${weighted.label_smoothing} as PyTorch’s`, async () =>
        checkCrossEntropy(executor, weighted, CLASS_WEIGHTS),
      )
    }
    check('with class weights of 1: as without', async () => {
      for (const crossEntropy of golden.cross_entropy) {
        const classes = crossEntropy.logits.shape[1]
        const plain = await crossEntropyOf(executor, crossEntropy)
        const weighted = await crossEntropyOf(executor, crossEntropy, new Array<number>(classes).fill(1))
        expect(Math.abs(weighted.loss / plain.loss - 1)).toBeLessThan(1e-6)
        expectClose(weighted.gradient, plain.gradient, 1e-6)
      }
    })
    check('class weights of another number than the classes are refused', async () => {
      const wrong = crossEntropyOf(executor, golden.cross_entropy[0], [1])
      await expect(wrong).rejects.toThrow(/classWeights has 1 entry, expected/)
    })
  })
}

/**
 * Builds a network that yields the input gradient of an operation. Executors return gradients of weights, so the
 * operation's input becomes a weight: a 1×1 convolution of one-hot pixels whose filter holds the input, one row for
 * each pixel. The identity follows the operation as a linear layer, so the cotangent of the logits is that of the
 * output.
 */
async function checkOperation(executor: Executor, golden: OperationCase): Promise<void> {
  const [size, channels, height, width] = golden.input.shape
  const network = operationNetwork(golden, { height, width, channels: size * height * width }, channels)
  const executable = await executor.compile(network, { batchSize: size })
  const input = goldenActivation(golden.input)
  const own = goldenWeights(golden.weights)
  const classifier = isFlat(golden) ? [] : [...identity(network.classes), ...new Float32Array(network.classes)]
  executable.weights.write(Float32Array.from([...input, ...own, ...classifier]))
  const feed = { batch: { images: identity(size * height * width), labels: new Int32Array(size), size } }
  const cotangent = isFlat(golden)
    ? Float32Array.from(goldenValues(golden.cotangent))
    : goldenActivation(golden.cotangent)

  const { logits } = await executable.forward(feed, 'probe')
  const gradient = executable.vector()
  await executable.gradient(feed, { kind: 'logits', cotangent }, { weights: gradient }, 'probe')
  const values = await gradient.read()
  executable.dispose()

  expectSummary(isFlat(golden) ? logits : toNchw(logits, nhwc(golden.output.shape)), golden.output)
  expectSummary(toNchw(values.subarray(0, input.length), nhwc(golden.input.shape)), golden.grad_input)
  const parameters = network.parameters.slice(1, 1 + golden.weights.length)
  const weightGradients = values.subarray(input.length, input.length + own.length)
  toReferenceLayout({ ...network, parameters }, weightGradients, golden.weights).forEach((part, i) => {
    expectSummary(part, golden.grad_weights[i])
  })
}

function operationNetwork(golden: OperationCase, image: Value, channels: number): Network {
  const builder = new NetworkBuilder(image)
  const features = builder.conv(builder.input, channels, { kernel: 1 }, 'x')
  const output = writeOperation(builder, golden, features)
  const { height, width, channels: outputs } = builder.value(output)
  const logits = isFlat(golden) ? output : builder.linear(output, height * width * outputs, 'identity')
  return builder.build({ name: golden.id, heads: [{ logits, lossWeight: 1 }], features })
}

/** Adds the operation with this id, as `ops.json` describes it. */
function writeOperation(builder: NetworkBuilder, { id, weights }: OperationCase, x: ValueId): ValueId {
  const stride = id.endsWith('-s2') ? 2 : 1
  const kernel = Number(/[135](?=x|-s)/.exec(id)?.[0] ?? 0)
  const dilation = id.startsWith('dil') ? 2 : 1
  const window = { kernel, stride, dilation, padding: (dilation * (kernel - 1)) / 2 }
  const channels = weights[0]?.shape[0] ?? 0
  const norm = (input: ValueId, affine: boolean) => builder.batchNorm(input, { affine, track: false }, 'bn')
  const separable = (input: ValueId, dw: typeof window, name: string) =>
    norm(
      builder.conv(builder.depthwiseConv(builder.relu(input), dw, `dw${name}`), channels, { kernel: 1 }, `pw${name}`),
      false,
    )

  switch (id.replace(/-s[12]$/, '')) {
    case 'conv1x1':
    case 'conv3x3':
      return builder.conv(x, channels, window, 'conv')
    case 'depthwise3':
    case 'depthwise5':
    case 'dil-depthwise3':
    case 'dil-depthwise5':
      return builder.depthwiseConv(x, window, 'dw')
    case 'avg_pool_3x3':
      return builder.pool('avgPool', x, window)
    case 'max_pool_3x3':
      return builder.pool('maxPool', x, window)
    case 'avg_pool_2x2':
      return builder.pool('avgPool', x, { kernel: 2, stride })
    case 'max_pool_2x2':
      return builder.pool('maxPool', x, { kernel: 2, stride })
    case 'bn':
      return norm(x, false)
    case 'bn-affine':
      return norm(x, true)
    case 'relu-conv1x1-bn':
      return norm(builder.conv(builder.relu(x), channels, { kernel: 1 }, 'conv'), false)
    case 'relu-conv3x3-bn':
      return norm(builder.conv(builder.relu(x), channels, { kernel: 3, padding: 1 }, 'conv'), true)
    case 'factorized-reduce': {
      const positive = builder.relu(x)
      const halves = [positive, builder.crop(positive, 1)].map((input, i) =>
        builder.conv(input, channels, { kernel: 1, stride: 2 }, `conv_${i + 1}`),
      )
      return norm(builder.concat(halves), false)
    }
    case 'sep_conv_3x3':
      return separable(separable(x, window, '1'), { ...window, stride: 1 }, '2')
    case 'dil_conv_5x5':
      return separable(x, window, '')
    case 'channel-shuffle-2':
      return builder.shuffle(x, 2)
    case 'global-pool-linear':
      return builder.linear(builder.globalMean(x), channels, 'linear')
    default:
      throw new Error(`no network for golden operation ${id}`)
  }
}

/**
 * Builds a network whose logits are the weight of a linear layer on one-hot samples, so that its gradient is theirs.
 */
async function crossEntropyOf(executor: Executor, golden: CrossEntropyCase, classWeights?: readonly number[]) {
  const [size, classes] = golden.logits.shape
  const builder = new NetworkBuilder({ height: 1, width: 1, channels: size })
  const logits = builder.linear(builder.input, classes, 'logits')
  const network = builder.build({ name: golden.id, heads: [{ logits, lossWeight: 1 }], features: builder.input })
  const executable = await executor.compile(network, { batchSize: size })
  executable.weights.write(Float32Array.from([...goldenValues(golden.logits), ...new Float32Array(classes)]))
  const feed = { batch: { images: identity(size), labels: Int32Array.from(golden.labels), size } }
  const objective = { kind: 'cross-entropy', labelSmoothing: golden.label_smoothing, classWeights } as const
  const gradient = executable.vector()
  try {
    const { loss } = await executable.gradient(feed, objective, { weights: gradient }, 'train')
    return { loss, gradient: (await gradient.read()).slice(0, size * classes) }
  } finally {
    executable.dispose()
  }
}

async function checkCrossEntropy(executor: Executor, golden: CrossEntropyCase, classWeights?: readonly number[]) {
  const { loss, gradient } = await crossEntropyOf(executor, golden, classWeights)
  expect(Math.abs(loss / golden.loss - 1)).toBeLessThan(1e-6)
  expectClose(gradient, golden.grad_logits.flat(), TOLERANCE)
}

const CLASS_WEIGHTS = [0.5, 1, 3, 0.25, 2]

/**
 * Loss and gradient of `torch.nn.CrossEntropyLoss(weight=CLASS_WEIGHTS, label_smoothing=s)` in PyTorch, in 32-bit floats,
 * on four samples of five classes.
 */
const WEIGHTED_CROSS_ENTROPY: readonly CrossEntropyCase[] = [
  {
    loss: 2.42324352,
    label_smoothing: 0,
    grad_logits: [
      [-0.05762803, 0.02892898, 0.00677856, 0.01838381, 0.00353668],
      [0.07453079, 0.0047353, -0.24482696, 0.15877247, 0.00678837],
      [0.14301585, 0.0054882, -0.32245886, 0.13855261, 0.03540221],
      [0.03301298, 0.05622435, 0.03679936, 0.10438083, -0.23041752],
    ],
  },
  {
    loss: 2.33274198,
    label_smoothing: 0.1,
    grad_logits: [
      [-0.05271891, 0.03149397, 0.00087209, 0.02092083, -0.00056797],
      [0.06925512, 0.00212191, -0.22253793, 0.14945173, 0.00170913],
      [0.13397349, 0.00283341, -0.29590008, 0.13034397, 0.0287492],
      [0.03076358, 0.05204411, 0.02854455, 0.10040021, -0.21175246],
    ],
  },
].map((expected) => ({
  id: 'weighted',
  logits: { name: 'logits', shape: [4, 5], seed: 7, offset: 0, scale: 2 },
  labels: [0, 2, 2, 4],
  ...expected,
}))

function expectSummary(actual: ArrayLike<number>, expected: Summary): void {
  const values = Array.from(actual)
  if (expected.values) {
    expectClose(values, expected.values, TOLERANCE)
    return
  }
  expectClose(
    [...values.slice(0, 8), ...values.slice(-4)],
    [...(expected.first8 ?? []), ...(expected.last4 ?? [])],
    TOLERANCE,
  )
  expect(Math.abs(norm(values) / expected.l2 - 1)).toBeLessThan(TOLERANCE)
  const sum = values.reduce((total, value) => total + value, 0)
  expect(Math.abs(sum - expected.sum)).toBeLessThan(TOLERANCE * expected.l2 * Math.sqrt(values.length))
}

const isFlat = ({ output }: OperationCase) => output.shape.length === 2

const nhwc = ([n, c, h, w]: readonly number[]) => [n, h, w, c]

const identity = (size: number) => Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0))

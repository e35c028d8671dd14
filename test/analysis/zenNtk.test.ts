import { afterAll, describe, expect, it } from 'vitest'
import { type NtkParameters, neuralTangentKernel, ntkSpectrum } from '../../src/analysis/ntk.ts'
import { gaussianBatch, perturb, zenScore, zenScoreOf } from '../../src/analysis/zenScore.ts'
import type { Batch } from '../../src/core/data.ts'
import type { Executable } from '../../src/core/executor.ts'
import { flattenMixing, softmax } from '../../src/core/mixing.ts'
import type { Network } from '../../src/core/network.ts'
import { random } from '../../src/core/random.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { type GoldenTensor, goldenActivation, goldenParameter, goldenValues, readGolden } from '../fixtures/golden.ts'

interface GoldenNetwork {
  readonly id: string
  readonly arch: string
  readonly C: number
  readonly N: number
  readonly input: GoldenTensor
  readonly params: readonly GoldenTensor[]
}

interface Zen extends GoldenNetwork {
  readonly gamma: number
  readonly input2: GoldenTensor
  readonly delta: number
  readonly score_biased: number
  readonly score_unbiased: number
  readonly score_running_var: number
}

interface Kernel {
  readonly gram: readonly (readonly number[])[]
  readonly eigenvalues_ascending: readonly number[]
  readonly condition_number: number
  readonly frobenius_norm: number
  readonly log_trace: number
}

interface Ntk extends GoldenNetwork {
  readonly network: 'discrete' | 'supernet'
  readonly classes: number
  readonly alpha?: GoldenTensor
  readonly weights_only: Kernel
  readonly all_parameters: Kernel
}

const golden = readGolden<{ zen: readonly Zen[]; ntk: readonly Ntk[] }>('zen_ntk')
const executor = await openExecutor({ backend: 'wasm' })
const opened: Executable[] = []
afterAll(() => {
  for (const executable of opened) executable.dispose()
})

const batchOf = (input: GoldenTensor): Batch => ({
  images: goldenActivation(input),
  labels: new Int32Array(input.shape[0]),
  size: input.shape[0],
})

async function compiled(network: Network, { input, params }: GoldenNetwork): Promise<Executable> {
  const executable = await executor.compile(network, { batchSize: input.shape[0] })
  opened.push(executable)
  const byName = new Map(params.map((tensor) => [tensor.name, tensor]))
  const tensors = network.parameters.map(({ name }) => byName.get(name) as GoldenTensor)
  executable.weights.write(Float32Array.from(tensors.flatMap((tensor) => [...goldenParameter(tensor)])))
  return executable
}

const shapeOf = ({ input }: GoldenNetwork) => ({
  height: input.shape[2],
  width: input.shape[3],
  channels: 3,
  classes: 10,
})

const discrete = (of: GoldenNetwork) =>
  nb201.network(nb201.parse(of.arch), { shape: shapeOf(of), channels: of.C, depth: of.N })

describe.each(golden.zen)('the Zen-score, golden case $id', (expected) => {
  it('has the features’ change and all three ways to take the variances', async () => {
    const executable = await compiled(discrete(expected), expected)
    const x = batchOf(expected.input)
    const score = await zenScore(executable, x, perturb(x, batchOf(expected.input2), expected.gamma))
    expect(Math.abs(score.delta / expected.delta - 1)).toBeLessThan(1e-4)
    expect(score.biased).toBeCloseTo(expected.score_biased, 3)
    expect(score.unbiased).toBeCloseTo(expected.score_unbiased, 3)
    expect(score.running).toBeCloseTo(expected.score_running_var, 3)
  })
})

describe('the Zen-score of an architecture', () => {
  const shape = { height: 8, width: 8, channels: 3, classes: 10 }
  const of = (arch: string, channels: number) =>
    zenScoreOf(executor, nb201.network(nb201.parse(arch), { shape, channels, depth: 1 }), shape, random(1, 'zen'), {
      batchSize: 4,
      repeats: 3,
    })

  it('is the same for the same stream, and grows with the width', async () => {
    const arch = golden.zen[0].arch
    const narrow = await of(arch, 4)
    expect(narrow.scores).toHaveLength(3)
    expect(await of(arch, 4)).toEqual(narrow)
    expect((await of(arch, 16)).mean).toBeGreaterThan(narrow.mean)
  })

  it('draws standard normal images', () => {
    const { images } = gaussianBatch({ ...shape, height: 32, width: 32 }, 4, random(2, 'images'))
    const mean = images.reduce((sum, value) => sum + value, 0) / images.length
    const square = images.reduce((sum, value) => sum + value * value, 0) / images.length
    expect(Math.abs(mean)).toBeLessThan(0.03)
    expect(Math.abs(square - 1)).toBeLessThan(0.05)
  })
})

describe.each(golden.ntk)('the neural tangent kernel, golden case $id', (expected) => {
  it.each([
    ['weights', expected.weights_only],
    ['all', expected.all_parameters],
  ] as const)(
    'has the golden Gram matrix and spectrum over %s parameters',
    async (parameters: NtkParameters, kernel) => {
      const { C: channels, N: depth } = expected
      const batchNorm = { affine: false, track: false }
      const network =
        expected.network === 'discrete'
          ? discrete(expected)
          : nb201.supernet({ shape: shapeOf(expected), channels, depth, batchNorm })
      const executable = await compiled(network, expected)
      const batch = batchOf(expected.input)
      const feed = expected.alpha === undefined ? { batch } : { batch, coefficients: softmaxed(expected.alpha) }
      const gram = await neuralTangentKernel(executable, feed, parameters)
      gram.forEach((row, i) => {
        row.forEach((value, j) => {
          expect(Math.abs(value - kernel.gram[i][j])).toBeLessThan(1e-4 * kernel.frobenius_norm)
        })
      })
      const spectrum = ntkSpectrum(gram)
      expect(spectrum.conditionNumber / kernel.condition_number).toBeCloseTo(1, 3)
      expect(Math.log(spectrum.trace)).toBeCloseTo(kernel.log_trace, 4)
      expect(spectrum.frobeniusNorm / kernel.frobenius_norm).toBeCloseTo(1, 4)
      expect(spectrum.eigenvalues).toHaveLength(kernel.eigenvalues_ascending.length)
    },
  )
})

const softmaxed = (alpha: GoldenTensor) => {
  const values = Array.from(goldenValues(alpha))
  return flattenMixing({ theta: nb201.edges.map((_, edge) => softmax(values.slice(5 * edge, 5 * edge + 5))) })
}

describe('the spectrum of a kernel', () => {
  it('has an infinite condition number where the kernel is singular', () => {
    expect(
      ntkSpectrum([
        [1, 0],
        [0, 0],
      ]).conditionNumber,
    ).toBe(Number.POSITIVE_INFINITY)
    expect(() => ntkSpectrum([])).toThrow('the neural tangent kernel of an empty batch has no spectrum')
  })
})

import { describe, expect, test } from 'vitest'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import { architectureGradient } from '../../src/analysis/architectureGradient.ts'
import { fullSpectrum, hessian, hessianProduct, lanczosSpectrum } from '../../src/analysis/hessian.ts'
import type { RelaxedSearch } from '../../src/core/algorithm.ts'
import { reshape } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import type { Supernet } from '../../src/core/supernet.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import {
  casesNamed,
  type GoldenTensor,
  goldenActivation,
  goldenValues,
  goldenWeights,
  readGolden,
  relativeError,
} from '../fixtures/golden.ts'
import { full } from '../support/full.ts'

interface HessianCase {
  readonly id: string
  readonly C: number
  readonly N: number
  readonly k: number
  readonly classes: number
  readonly input: GoldenTensor
  readonly alpha: GoldenTensor
  readonly labels: readonly number[]
  readonly params: readonly GoldenTensor[]
  readonly dominant_eigenvalue_max: number
  readonly smallest_eigenvalue: number
  readonly spectral_norm: number
  readonly trace: number
  readonly frobenius_norm: number
  readonly eigenvalues_ascending: readonly number[]
  readonly hessian: readonly (readonly number[])[]
}

/** Exact second derivatives by double backward, PyTorch float64. */
const { cases } = readGolden<{ cases: HessianCase[] }>('hessian')

async function goldenSearch(golden: HessianCase, kind: 'tfjs' | 'static' | 'without activationMasks') {
  const [size, channels, height, width] = golden.input.shape
  const network = nb201.supernet({
    shape: { height, width, channels, classes: golden.classes },
    channels: golden.C,
    depth: golden.N,
    partialChannels: golden.k,
    batchNorm: { affine: false, track: false },
  })
  const executor = await openExecutor({ backend: 'wasm', executor: kind === 'tfjs' ? 'tfjs' : 'static' })
  const stream = random(0)
  const supernet = await createSupernet({ executor, network, edges: nb201.edges, batchSize: size, stream })
  supernet.weights.write(goldenWeights(golden.params))
  const alpha = Array.from(goldenValues(golden.alpha))
  const shape = nb201.edges.map(({ operations }) => operations.map(() => 0))
  const seen = kind === 'without activationMasks' ? withoutActivationMasks(supernet) : supernet
  const search: RelaxedSearch = {
    relaxation: softmaxRelaxation,
    supernet: seen,
    parameters: () => reshape(alpha, shape),
  }
  const batch = { images: goldenActivation(golden.input), labels: Int32Array.from(golden.labels), size }
  const { gradient, dispose } = await architectureGradient(search, batch)
  return {
    alpha,
    gradient,
    dispose() {
      dispose()
      supernet.dispose()
    },
  }
}

/** As of an executor that cannot hold activation masks. */
const withoutActivationMasks = (supernet: Supernet): Supernet => ({
  ...supernet,
  executable: Object.create(supernet.executable, { activationMasks: { value: undefined } }),
})

const within = (actual: number, expected: number, tolerance: number) =>
  expect(Math.abs(actual - expected)).toBeLessThan(tolerance)

const named = (...ids: readonly string[]) => casesNamed(cases, ...ids)

describe('in float32', () => {
  test.each([
    ...named('c4-8x8').flatMap((golden) => (full ? [{ ...golden, executor: 'tfjs' as const }] : [])),
    ...named('c4-8x8', 'c8-k4-16x16').map((golden) => ({ ...golden, executor: 'static' as const })),
  ])('the Hessian of the search network $id on $executor is the reference', async (golden) => {
    const { alpha, gradient, dispose } = await goldenSearch(golden, golden.executor)
    const matrix = await hessian(gradient, alpha)
    const spectrum = fullSpectrum(matrix)
    within(spectrum.dominantEigenvalue, golden.dominant_eigenvalue_max, 1e-3 * golden.dominant_eigenvalue_max)
    within(spectrum.smallestEigenvalue, golden.smallest_eigenvalue, 1e-3 * golden.spectral_norm)
    within(spectrum.spectralNorm, golden.spectral_norm, 1e-3 * golden.spectral_norm)
    within(spectrum.trace, golden.trace, 1e-3 * golden.frobenius_norm)
    within(spectrum.frobeniusNorm, golden.frobenius_norm, 1e-3 * golden.frobenius_norm)
    expect(relativeError(spectrum.eigenvalues ?? [], golden.eigenvalues_ascending)).toBeLessThan(1e-3)
    expect(relativeError(matrix.flat(), golden.hessian.flat())).toBeLessThan(1e-3)
    dispose()
  })

  test.each(named('c4-16x16-small-alpha', 'c4-sharp'))(
    'the extreme eigenvalues of $id by the Lanczos process are the reference',
    async (golden) => {
      const { alpha, gradient, dispose } = await goldenSearch(golden, 'static')
      const product = hessianProduct(gradient, alpha)
      const spectrum = await lanczosSpectrum(product, alpha.length, random(0, 'lanczos'), { traceSamples: 0 })
      within(spectrum.dominantEigenvalue, golden.dominant_eigenvalue_max, 1e-3 * golden.dominant_eigenvalue_max)
      within(spectrum.spectralNorm, golden.spectral_norm, 1e-3 * golden.spectral_norm)
      dispose()
    },
  )

  test('a copy on the reference executor takes the place of a network that cannot freeze activations', async () => {
    const [golden] = named('c4-sharp')
    const { alpha, gradient, dispose } = await goldenSearch(golden, 'without activationMasks')
    const product = hessianProduct(gradient, alpha)
    const { dominantEigenvalue } = await lanczosSpectrum(product, alpha.length, random(0), { traceSamples: 0 })
    within(dominantEigenvalue, golden.dominant_eigenvalue_max, 1e-3 * golden.dominant_eigenvalue_max)
    dispose()
  })
})

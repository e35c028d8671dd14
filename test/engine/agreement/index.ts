/** Compares an executor with the TensorFlow.js executor on WebAssembly, on networks with every kind of layer. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Executor } from '../../../src/core/executor.ts'
import type { Network } from '../../../src/core/network.ts'
import { random } from '../../../src/core/random.ts'
import { openTfjsExecutor } from '../../../src/engine/tfjs/index.ts'
import { relativeError } from '../../fixtures/golden.ts'
import type { DeclareTest } from '../golden/declareTest.ts'
import { discrete, supernets } from './networks.ts'
import { randomCase } from './randomNetworks.ts'
import { feedFor, type Request, run } from './run.ts'

/**
 * Relative tolerance. Batch statistics of such small images amplify rounding; the reference numbers are tested more
 * closely.
 */
const TOLERANCE = 5e-4

const RANDOM_NETWORKS = 60

/** Compares loss, outputs, gradients, and the state after a step. */
async function agree(ours: Executor, reference: Executor, network: Network, request: Request): Promise<void> {
  const found = await run(ours, network, request)
  const expected = await run(reference, network, request)
  expect(Math.abs(found.loss - expected.loss)).toBeLessThan(TOLERANCE * Math.max(1, Math.abs(expected.loss)))
  expect(found).toMatchObject({ correct: expected.correct, correct5: expected.correct5, samples: expected.samples })
  for (const part of ['logits', 'features', 'gradient', 'weights', 'momentum', 'statistics'] as const) {
    expect(relativeError(found[part], expected[part]), part).toBeLessThan(TOLERANCE)
  }
  expect(relativeError(found.coefficients ?? [], expected.coefficients ?? []), 'coefficients').toBeLessThan(TOLERANCE)
}

/** Leaves out DARTS networks, on which the reference is slow. */
const quick = ([name]: readonly [string, unknown]) => !name.startsWith('DARTS')

/** Declares the tests. @param check declares one test: `it`, or a function that skips some on slow devices */
export function describeAgreement(open: () => Promise<Executor>, check: DeclareTest = it): void {
  let ours: Executor
  let reference: Executor

  beforeAll(async () => {
    ours = await open()
    reference = await openTfjsExecutor('wasm')
  })

  describe('agrees with TensorFlow.js', () => {
    for (const [name, build] of Object.entries({ ...supernets, ...discrete })) {
      check(`${name}: loss, outputs, gradients and step`, async () => {
        const network = build()
        await agree(ours, reference, network, { feed: feedFor(network, 3) })
      })
    }

    for (const [name, build] of Object.entries({ ...supernets, ...discrete }).filter(quick)) {
      check(`${name}: at a batch smaller than it was compiled for, with label smoothing`, async () => {
        const network = build()
        const objective = { kind: 'cross-entropy', labelSmoothing: 0.1 } as const
        await agree(ours, reference, network, { feed: feedFor(network, 2), batchSize: 3, objective })
      })

      check(`${name}: with running statistics`, async () => {
        const network = build()
        await agree(ours, reference, network, { feed: feedFor(network, 3), mode: 'eval' })
      })

      check(`${name}: the gradient of given logits`, async () => {
        const network = build()
        const stream = random(7, 'cotangent')
        const cotangent = Float32Array.from({ length: 3 * network.classes }, () => stream.normal())
        const objective = { kind: 'logits', cotangent } as const
        await agree(ours, reference, network, { feed: feedFor(network, 3), objective, mode: 'probe' })
      })
    }

    for (let seed = 0; seed < RANDOM_NETWORKS; seed++) {
      check(`random network ${seed}: random sizes, weights and paths`, async () => {
        const { network, request } = randomCase(seed)
        await agree(ours, reference, network, request)
      })
    }

    for (const [name, build] of Object.entries(supernets)) {
      check(`${name}: with some paths switched off`, async () => {
        const network = build()
        const stream = random(11, 'active')
        const active = Uint8Array.from({ length: network.coefficientCount }, () => stream.integer(2))
        await agree(ours, reference, network, { feed: { ...feedFor(network, 2), active } })
      })
    }
  })
}

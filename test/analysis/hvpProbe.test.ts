import { describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import type { HvpRecord } from '../../src/analysis/probes/hvp.ts'
import { parseProbe } from '../../src/analysis/probes/index.ts'
import type { Search } from '../../src/core/algorithm.ts'
import type { Batch, BatchSource } from '../../src/core/data.ts'
import type { Matrix } from '../../src/core/mixing.ts'
import type { ProbeContext } from '../../src/core/probe.ts'
import { random } from '../../src/core/random.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { type GoldenTensor, goldenActivation, goldenParameter, goldenValues, readGolden } from '../fixtures/golden.ts'

interface Case {
  readonly id: string
  readonly C: number
  readonly N: number
  readonly input_train: GoldenTensor
  readonly input_val: GoldenTensor
  readonly labels_train: readonly number[]
  readonly labels_val: readonly number[]
  readonly alpha: GoldenTensor
  readonly params: readonly GoldenTensor[]
}

const [golden] = readGolden<{ cases: readonly Case[] }>('darts_second_order').cases

const always = (input: GoldenTensor, labels: readonly number[]): BatchSource => {
  const batch: Batch = { images: goldenActivation(input), labels: Int32Array.from(labels), size: labels.length }
  return { batchSize: batch.size, batchesPerEpoch: 1, batch: async () => batch }
}

async function measure(line: string) {
  const [batchSize, channels, height, width] = golden.input_train.shape
  const network = nb201.supernet({
    shape: { height, width, channels, classes: 10 },
    channels: golden.C,
    depth: golden.N,
    batchNorm: { affine: false, track: false },
  })
  const supernet = await createSupernet({
    executor: await openExecutor({ backend: 'wasm' }),
    network,
    edges: nb201.edges,
    batchSize,
    stream: random(0),
  })
  const byName = new Map(golden.params.map((tensor) => [tensor.name, tensor]))
  const weights = network.parameters.flatMap(({ name }) => [...goldenParameter(byName.get(name) as GoldenTensor)])
  supernet.weights.write(Float32Array.from(weights))
  const values = goldenValues(golden.alpha)
  const alpha: Matrix = nb201.edges.map((_, edge) => Array.from(values.slice(5 * edge, 5 * edge + 5)))
  const search = { epochs: 1, relaxed: { relaxation: softmaxRelaxation, supernet, parameters: () => alpha } }
  const data = {
    weights: always(golden.input_train, golden.labels_train),
    architecture: always(golden.input_val, golden.labels_val),
  }
  const context = { data: async () => data } as unknown as ProbeContext
  const record = (await parseProbe(line).epoch(0, search as unknown as Search, context)) as HvpRecord
  const after = await supernet.weights.read()
  supernet.dispose()
  return { record, moved: after.some((value, i) => value !== Math.fround(weights[i])) }
}

describe('the probe hvp', () => {
  it('sees that the customary difference is several times off in a ReLU network, and leaves the weights alone', async () => {
    const { record, moved } = await measure('hvp')
    // PyTorch's own differences at the unrolled weights of this case: 4.1 times off at 0.01.
    expect(record.relativeError).toBeGreaterThan(1)
    expect(record.distance).toBe(0.01)
    expect(moved).toBe(false)
  })

  it('takes the distance that is asked for', async () => {
    const { record } = await measure('hvp:distance=0.02')
    expect(record.distance).toBe(0.02)
    expect(record.exactNorm).toBeGreaterThan(0)
    expect(record.relativeError).toBeGreaterThan(1)
  })

  it('has nothing to measure where there are no architecture parameters', async () => {
    expect(await parseProbe('hvp').epoch(0, { epochs: 1 } as Search, {} as ProbeContext)).toBeUndefined()
  })
})

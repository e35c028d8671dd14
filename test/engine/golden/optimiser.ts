/** Tests against `optim.json`: traces of SGD steps. */
import { beforeAll, describe, expect } from 'vitest'
import type { Executor } from '../../../src/core/executor.ts'
import { NetworkBuilder } from '../../../src/core/networkBuilder.ts'
import { casesWhere, readGolden } from '../../fixtures/golden.ts'
import { expectClose } from './closeness.ts'
import type { DeclareTest } from './declareTest.ts'

interface Trace {
  readonly id: string
  readonly optimizer: 'sgd' | 'adam'
  readonly w0: readonly number[]
  readonly momentum: number
  readonly weight_decay: number
  readonly nesterov: boolean
  readonly clip_norm: number | null
  readonly steps: readonly {
    readonly lr: number
    readonly grad: readonly number[]
    /** The momentum buffer; null without momentum. */
    readonly momentum_buffer: readonly number[] | null
    readonly w: readonly number[]
  }[]
}

export function describeOptimiser(open: () => Promise<Executor>, check: DeclareTest): void {
  let executor: Executor
  beforeAll(async () => {
    executor = await open()
  })

  describe('SGD: clipping, decay, momentum, Nesterov', () => {
    const traces = readGolden<{ traces: readonly Trace[] }>('optim').traces
    for (const trace of casesWhere(traces, ({ optimizer }) => optimizer === 'sgd', 'of SGD')) {
      check(`${trace.id}: weights and buffer after each step`, async () => checkTrace(executor, trace))
    }
  })
}

/**
 * Checks one trace. w is the weight of a linear layer with one input. Two samples, 1 and −1, with cotangents g/2 and
 * −g/2 give the weight the gradient g, and the bias the gradient 0.
 */
async function checkTrace(executor: Executor, { w0, steps, ...trace }: Trace): Promise<void> {
  const builder = new NetworkBuilder({ height: 1, width: 1, channels: 1 })
  const logits = builder.linear(builder.input, w0.length, 'w')
  const network = builder.build({ name: trace.id, heads: [{ logits, lossWeight: 1 }], features: builder.input })
  const executable = await executor.compile(network, { batchSize: 2 })
  executable.weights.write(Float32Array.from([...w0, ...w0.map(() => 0)]))
  const feed = { batch: { images: Float32Array.of(1, -1), labels: new Int32Array(2), size: 2 } }
  for (const { lr, grad, momentum_buffer, w } of steps) {
    const cotangent = Float32Array.from([...grad.map((g) => g / 2), ...grad.map((g) => -g / 2)])
    await executable.step(
      feed,
      { kind: 'logits', cotangent },
      {
        learningRate: lr,
        momentum: trace.momentum,
        nesterov: trace.nesterov,
        weightDecay: trace.weight_decay,
        clipNorm: trace.clip_norm,
      },
    )
    expectClose((await executable.weights.read()).subarray(0, w.length), w, 1e-6)
    if (momentum_buffer) expectClose((await executable.momentum.read()).subarray(0, w.length), momentum_buffer, 1e-6)
  }
  expect([...(await executable.weights.read()).subarray(w0.length)]).toEqual(w0.map(() => 0))
  executable.dispose()
}

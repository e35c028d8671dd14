import { describe, expect, it } from 'vitest'
import { type AdamState, adam, adamStart } from '../../../src/algorithms/shared/adam.ts'
import type { Matrix } from '../../../src/core/mixing.ts'
import { casesWhere, readGolden } from '../../fixtures/golden.ts'

interface Trace {
  readonly id: string
  readonly optimizer: 'sgd' | 'adam'
  readonly w0: readonly number[]
  readonly lr: number
  readonly beta1: number
  readonly beta2: number
  readonly eps: number
  readonly weight_decay: number
  readonly steps: readonly {
    readonly grad: readonly number[]
    readonly exp_avg: readonly number[]
    readonly exp_avg_sq: readonly number[]
    readonly w: readonly number[]
  }[]
}

const all = readGolden<{ traces: readonly Trace[] }>('optim').traces
const traces = casesWhere(all, ({ optimizer }) => optimizer === 'adam', 'of Adam')

const expectClose = (found: Matrix, expected: readonly number[]) =>
  found[0].forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(1e-10 * Math.max(1e-3, Math.abs(expected[i])))
  })

describe('Adam', () => {
  it.each(traces)("follows PyTorch's trace $id", ({ w0, lr, beta1, beta2, eps, weight_decay, steps }) => {
    const settings = { learningRate: lr, adamBetas: [beta1, beta2], epsilon: eps, weightDecay: weight_decay } as const
    let parameters: Matrix = [w0]
    let state: AdamState = adamStart(parameters)
    for (const step of steps) {
      ;({ parameters, state } = adam(parameters, [step.grad], state, settings))
      expectClose(state.mean, step.exp_avg)
      expectClose(state.square, step.exp_avg_sq)
      expectClose(parameters, step.w)
    }
  })

  it('clips the gradient, over all its rows, before the decay is added', () => {
    const settings = { learningRate: 1, adamBetas: [0, 0], epsilon: 0, weightDecay: 0.1 } as const
    const meanOf = (clipNorm?: number) =>
      adam([[1], [-2]], [[3], [4]], adamStart([[1], [-2]]), { ...settings, clipNorm }).state.mean
    expect(meanOf()).toEqual([[3.1], [3.8]])
    expect(meanOf(5)).toEqual([[3.1], [3.8]])
    expect(meanOf(1).flat()).toEqual([expect.closeTo(0.6 + 0.1, 6), expect.closeTo(0.8 - 0.2, 6)])
  })
})

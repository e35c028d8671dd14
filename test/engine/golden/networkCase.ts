/** The fields that all reference networks have, and the checks that they share. */
import { expect } from 'vitest'
import type { ImageShape } from '../../../src/core/data.ts'
import type { Executable, Feed } from '../../../src/core/executor.ts'
import type { Network } from '../../../src/core/network.ts'
import { type GoldenParameter, type GoldenTensor, goldenActivation, toReferenceLayout } from '../../fixtures/golden.ts'
import { expectClose, norm } from './closeness.ts'

export interface NetworkCase {
  readonly classes: number
  readonly input: GoldenTensor
  readonly labels: readonly number[]
  readonly logits: readonly (readonly number[])[]
}

export function shapeOf({ input, classes }: Pick<NetworkCase, 'input' | 'classes'>): ImageShape {
  const [, channels, height, width] = input.shape
  return { height, width, channels, classes }
}

export const batchOf = (input: GoldenTensor, labels: readonly number[]): Feed['batch'] => ({
  images: goldenActivation(input),
  labels: Int32Array.from(labels),
  size: input.shape[0],
})

/** Checks the gradient of every parameter: its norm and its first entries. */
export function expectParameterGradients(
  network: Network,
  gradient: Float32Array,
  parameters: readonly GoldenParameter[],
  tolerance: number,
): void {
  const typical = norm(parameters.map((parameter) => parameter.grad_l2)) / Math.sqrt(parameters.length)
  toReferenceLayout(network, gradient, parameters).forEach((part, i) => {
    const { grad_l2, grad_first3 } = parameters[i]
    // Gradients that are zero but for rounding are measured against the others.
    const allowed = tolerance * Math.max(grad_l2, 1e-2 * typical)
    expect(Math.abs(norm(part) - grad_l2)).toBeLessThan(allowed)
    expect(norm(grad_first3.map((value, at) => part[at] - value))).toBeLessThan(allowed)
  })
}

export async function expectLogits(executable: Executable, feed: Feed, golden: NetworkCase, tolerance: number) {
  const { logits } = await executable.forward(feed, 'probe')
  expectClose(logits, golden.logits.flat(), tolerance)
}

/**
 * Runs a planned pass: the layers forward, then backward the layers that are differentiated. Each value is freed after
 * its last use.
 */
import * as tf from '@tensorflow/tfjs-core'
import type { CoefficientId, Network, ParameterId, ValueId } from '../../../core/network.ts'
import { addAll } from '../rules/entrywise.ts'
import { ruleOf } from '../rules/index.ts'
import { type BatchMoments, type Context, type Gradients, parametersOf } from '../rules/rule.ts'
import type { Plan, Step } from './plan.ts'

/** The result of a forward pass: logits, features, and the tensors that the backward pass reads. */
export interface Trace {
  readonly plan: Plan
  value(id: ValueId): tf.Tensor
  /** Counts one of the planned uses of a value as done, and frees the value after the last. */
  release(id: ValueId): void
  /** For each step the tensors that its forward rule saved for its backward rule. */
  readonly saved: readonly (readonly tf.Tensor[])[]
  /** Batch moments, by position of the running statistics. */
  readonly moments: ReadonlyMap<number, BatchMoments>
}

/** The gradients of the loss that the plan asked for. */
export interface PassGradients {
  /** Gradient by parameter; parameters that the pass did not read are absent, their gradient is zero. */
  readonly parameters: ReadonlyMap<ParameterId, tf.Tensor>
  /** One scalar for each `mix` term in which a coefficient appears. */
  readonly coefficients: readonly { readonly id: CoefficientId; readonly value: tf.Tensor }[]
}

/** Runs the layers of a plan. @param images [batch, height, width, channels]; freed like every other value */
export function runForward(plan: Plan, context: Context, images: tf.Tensor): Trace {
  const values = new Map<ValueId, tf.Tensor>([[0, images]])
  const useCounts = plan.useCounts.slice()
  const moments = new Map<number, BatchMoments>()
  const value = (id: ValueId) => values.get(id) as tf.Tensor
  const release = (id: ValueId) => {
    useCounts[id]--
    if (useCounts[id] > 0) return
    values.get(id)?.dispose()
    values.delete(id)
  }
  const saved = plan.steps.map(({ layer, operands, wants }) => {
    const result = scoped(() => ruleOf(layer).forward(layer, operands.map(value), context))
    values.set(layer.output, result.output)
    if (layer.kind === 'batchNorm' && layer.statistics !== null && result.moments) {
      moments.set(layer.statistics, result.moments)
    }
    for (const id of operands) release(id)
    if (wants) return result.saved ?? []
    for (const tensor of result.saved ?? []) tensor.dispose()
    return []
  })
  return { plan, value, release, saved, moments }
}

/**
 * Runs the backward pass and returns the gradients that the plan asked for.
 *
 * @param cotangents ∂L/∂logits of each head that the loss reads; the tensors are consumed
 */
export function runBackward(
  network: Network,
  trace: Trace,
  context: Context,
  cotangents: ReadonlyMap<ValueId, tf.Tensor>,
): PassGradients {
  const pending = network.values.map((_, id) => [cotangents.get(id)].filter((tensor) => tensor !== undefined))
  const parameters = new Map<ParameterId, tf.Tensor>()
  const coefficients: { id: CoefficientId; value: tf.Tensor }[] = []
  for (const [i, step] of [...trace.plan.steps.entries()].toReversed()) {
    const cotangent = total(pending[step.layer.output])
    if (cotangent !== undefined) {
      const gradients = differentiate(step, cotangent, trace.saved[i], trace, context)
      for (const [id, gradient] of withGradient(step.operands, gradients.inputs)) pending[id].push(gradient)
      for (const [id, gradient] of withGradient(parametersOf(step.layer), gradients.parameters))
        parameters.set(id, gradient)
      for (const [id, value] of withGradient(step.coefficients, gradients.coefficients))
        coefficients.push({ id, value })
      cotangent.dispose()
    }
    for (const tensor of trace.saved[i]) tensor.dispose()
    if (step.keeps.inputs) for (const id of step.operands) trace.release(id)
    if (step.keeps.output) trace.release(step.layer.output)
  }
  return { parameters, coefficients }
}

/** Returns the ids that have a gradient, each with its gradient. */
function withGradient(
  ids: readonly number[],
  gradients: Gradients[keyof Gradients] = [],
): (readonly [number, tf.Tensor])[] {
  return ids.flatMap((id, i) => {
    const gradient = gradients[i]
    return gradient === undefined ? [] : [[id, gradient] as const]
  })
}

/** Runs the backward rule of one step. */
function differentiate(
  { layer, operands, keeps, wants }: Step,
  cotangent: tf.Tensor,
  saved: readonly tf.Tensor[],
  trace: Trace,
  context: Context,
): Gradients {
  if (wants === undefined) return {}
  const inputs = keeps.inputs ? operands.map(trace.value) : []
  const output = keeps.output ? trace.value(layer.output) : undefined
  return scoped(() => ruleOf(layer).backward(layer, { cotangent, inputs, output, saved, wants }, context))
}

/** Returns the sum of the gradients of one value, and frees them; undefined if there are none. */
function total(parts: readonly tf.Tensor[]): tf.Tensor | undefined {
  if (parts.length < 2) return parts[0]
  const sum = addAll(parts)
  for (const part of parts) part.dispose()
  return sum
}

/** Runs `f` and frees all tensors that it made except those in its result. */
function scoped<T extends object>(f: () => T): T {
  return tf.tidy(f as unknown as () => tf.TensorContainer) as unknown as T
}

/**
 * Runs a planned pass over a network: all its layers forward, then backward those layers through which a wanted
 * gradient flows. Each value is freed after its last use.
 */
import * as tf from '@tensorflow/tfjs-core'
import type { CoefficientId, Network, ParameterId, ValueId } from '../../../core/network.ts'
import { addAll } from '../rules/entrywise.ts'
import { ruleOf } from '../rules/index.ts'
import { type BatchMoments, type Context, type Gradients, parametersOf } from '../rules/rule.ts'
import type { Plan, Step } from './plan.ts'

/**
 * The result of a forward pass over a network: its logits and features, and the tensors that the backward pass reads.
 */
export interface Trace {
  readonly plan: Plan
  value(id: ValueId): tf.Tensor
  /**
   * Reports that a layer has used the value. The plan knows how often each value is used; after the last use it is
   * freed.
   */
  release(id: ValueId): void
  /** For each layer of the plan, the tensors that its forward rule saved for its backward rule. */
  readonly saved: readonly (readonly tf.Tensor[])[]
  /** Mean and variance of the batch for each batch norm, by its position in the network's `statistics`. */
  readonly moments: ReadonlyMap<number, BatchMoments>
}

/** The gradients of the loss that a backward pass computed. */
export interface PassGradients {
  /** Gradient of each network parameter that the pass read; all other parameters have gradient zero. */
  readonly parameters: ReadonlyMap<ParameterId, tf.Tensor>
  /**
   * Gradients of the mixing coefficients: one scalar for each `mix` term; a coefficient that several terms share
   * appears several times.
   */
  readonly coefficients: readonly { readonly id: CoefficientId; readonly value: tf.Tensor }[]
  /** Gradient of each observed activation into which a gradient flowed; all others have gradient zero. */
  readonly observed: ReadonlyMap<ValueId, tf.Tensor>
}

/**
 * Runs the layers of a plan forward. @param images the batch, [batch, height, width, channels]; freed like every other
 * value
 */
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
 * Runs the layers of a plan backward and returns the gradients that the plan asked for.
 *
 * @param cotangents ∂L/∂logits of each head that the loss reads, or ∂L/∂value of observed activations; the tensors are
 * consumed
 * @param observed activations whose gradients are returned
 */
export function runBackward(
  network: Network,
  trace: Trace,
  context: Context,
  cotangents: ReadonlyMap<ValueId, tf.Tensor>,
  observed: readonly ValueId[] = [],
): PassGradients {
  const kept = new Map<ValueId, tf.Tensor>()
  const pending = network.values.map((_, id) => [cotangents.get(id)].filter((tensor) => tensor !== undefined))
  const parameters = new Map<ParameterId, tf.Tensor>()
  const coefficients: { id: CoefficientId; value: tf.Tensor }[] = []
  for (const [i, step] of [...trace.plan.steps.entries()].toReversed()) {
    const cotangent = total(pending[step.layer.output])
    if (cotangent !== undefined) {
      if (observed.includes(step.layer.output)) kept.set(step.layer.output, tf.clone(cotangent))
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
  const ofInput = observed.includes(0) ? total(pending[0]) : undefined
  if (ofInput !== undefined) kept.set(0, ofInput)
  return { parameters, coefficients, observed: kept }
}

/** Returns those ids for which a gradient was computed, each with its gradient. */
function withGradient(
  ids: readonly number[],
  gradients: Gradients[keyof Gradients] = [],
): (readonly [number, tf.Tensor])[] {
  return ids.flatMap((id, i) => {
    const gradient = gradients[i]
    return gradient === undefined ? [] : [[id, gradient] as const]
  })
}

/** Runs the backward rule of one layer. */
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

/**
 * Returns the sum of the gradients that several layers gave to one value, and frees them; undefined if there are none.
 */
function total(parts: readonly tf.Tensor[]): tf.Tensor | undefined {
  if (parts.length < 2) return parts[0]
  const sum = addAll(parts)
  for (const part of parts) part.dispose()
  return sum
}

/** Runs `f` and frees all tensors that it made, except those in its result. */
function scoped<T extends object>(f: () => T): T {
  return tf.tidy(f as unknown as () => tf.TensorContainer) as unknown as T
}

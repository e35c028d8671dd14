/** Steps on the network weights that a method takes itself: SGD along a gradient that the method has changed. */
import type { SgdStep, WeightVector } from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { sizeOf } from '../../core/network.ts'
import type { Supernet } from '../../core/supernet.ts'

/**
 * Takes an SGD step on the network weights along a given gradient: clipping, weight decay, momentum and Nesterov's
 * look-ahead are those of the settings, as in `Supernet.step`.
 * @param gradient gradient of the loss wrt the network weights; overwritten
 * @param change changes the gradient after weight decay is added, before momentum
 */
export async function descend(
  { weights: w, momentum: buffer }: Pick<Supernet, 'weights' | 'momentum'>,
  gradient: WeightVector,
  sgd: SgdStep,
  change?: (gradient: WeightVector) => Promise<void>,
): Promise<void> {
  const { learningRate, momentum, nesterov, weightDecay } = sgd
  gradient.scale(await clippingFactor(gradient, sgd))
  gradient.axpy(weightDecay, w)
  await change?.(gradient)
  buffer.scale(momentum)
  buffer.axpy(1, gradient)
  w.axpy(-learningRate * (nesterov ? momentum : 1), buffer)
  if (nesterov) w.axpy(-learningRate, gradient)
}

/** Returns the factor by which clipping shortens a gradient: 1 where it is not longer than `clipNorm`, or without one. */
export async function clippingFactor(gradient: WeightVector, { clipNorm }: Pick<SgdStep, 'clipNorm'>): Promise<number> {
  return clipNorm === null ? 1 : Math.min(1, clipNorm / ((await gradient.norm()) + 1e-6))
}

/** The network weights of one operation on one edge of one cell: a group that can be read and frozen. */
export interface ParameterGroup {
  /** Name of the group: cell, edge and operation, as in `cell0.edge0-1.nor_conv_3x3`. */
  readonly name: string
  /** The weight tensors that belong to the group, each with its offset in the vector of all network weights. */
  readonly tensors: readonly ParameterTensor[]
}

/** The place of one trainable tensor in the vector of all network weights. */
export interface ParameterTensor {
  readonly from: number
  readonly size: number
  readonly shape: readonly number[]
}

/** Returns the places of all trainable tensors of a network in the vector of its weights, in the network's order. */
export function parameterTensors({ parameters }: Network): ParameterTensor[] {
  let end = 0
  return parameters.map(({ shape }) => {
    const size = sizeOf(shape)
    end += size
    return { from: end - size, size, shape }
  })
}

/** Name of an operation's weights: cell, edge and operation, then the tensor within the operation. */
const OPERATION = /^(cell\d+\.edge\d+-\d+\.\w+)\./

/** Returns the groups of network weights that belong to the candidate operations of a supernet, in its order. */
export function parameterGroups(network: Network): ParameterGroup[] {
  const groups = new Map<string, ParameterTensor[]>()
  for (const [at, tensor] of parameterTensors(network).entries()) {
    const [, group] = OPERATION.exec(network.parameters[at].name) ?? []
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), tensor])
  }
  return [...groups].map(([name, tensors]) => ({ name, tensors }))
}

/** Sets the entries of some parameter groups to 0 in a vector with one entry for each network weight. */
export async function clearGroups(vector: WeightVector, groups: readonly ParameterGroup[]): Promise<void> {
  if (groups.length === 0) return
  const values = await vector.read()
  for (const { from, size } of groups.flatMap(({ tensors }) => tensors)) values.fill(0, from, from + size)
  vector.write(values)
}

/**
 * Returns the gradient matching score of a group: the cosine of two gradients of its weights along the last axis
 * (output channels), averaged over the other positions of each tensor, then over the tensors. Vectors of zeros have
 * cosine 0.
 */
export function gradientMatching({ tensors }: ParameterGroup, a: Float32Array, b: Float32Array): number {
  const scores = tensors.map(({ from, size, shape }) => {
    const channels = shape[shape.length - 1]
    let sum = 0
    for (let at = from; at < from + size; at += channels) {
      let [ab, aa, bb] = [0, 0, 0]
      for (let i = at; i < at + channels; i++) {
        ab += a[i] * b[i]
        aa += a[i] * a[i]
        bb += b[i] * b[i]
      }
      sum += ab / (Math.max(Math.sqrt(aa), 1e-8) * Math.max(Math.sqrt(bb), 1e-8))
    }
    return sum / (size / channels)
  })
  return scores.reduce((total, score) => total + score, 0) / scores.length
}

/**
 * Computes the loss from the logits of a network's heads: its value, its gradient with respect to the logits, and the
 * number of correct predictions.
 */
import * as tf from '@tensorflow/tfjs-core'
import type { Batch } from '../../../core/data.ts'
import type { Objective } from '../../../core/executor.ts'
import type { Head, Network, ValueId } from '../../../core/network.ts'
import { classWeightsOf } from '../../plan/executable.ts'
import { addAll } from '../rules/entrywise.ts'

/** The loss, summed over all heads of a network, with its gradient. */
export interface HeadScores {
  /** The loss of the batch, a scalar tensor. */
  readonly loss: tf.Tensor
  /** The gradient ∂loss/∂logits of each head by the id of its logits, [batch, 1, 1, classes]. */
  readonly cotangents: ReadonlyMap<ValueId, tf.Tensor>
}

/** The objectives that depend on the logits of the heads alone. */
type LogitsObjective = Exclude<Objective, { readonly kind: 'observed' }>

/** Returns the heads of a network whose logits the loss reads: all heads for the cross-entropy, else the main head. */
const headsOf = (network: Network, objective: LogitsObjective): readonly Head[] =>
  objective.kind === 'logits' ? network.heads.slice(0, 1) : network.heads

/**
 * Returns the loss of a batch over all heads, and its gradient. @param logits returns the logits of a head, [batch,
 * classes]
 */
export function score(
  network: Network,
  batch: Batch,
  objective: LogitsObjective,
  logits: (head: Head) => tf.Tensor,
): HeadScores {
  const scored = headsOf(network, objective).map((head) => ({
    head,
    ...scoreHead(network, batch, objective, head, logits(head)),
  }))
  return {
    loss: addAll(scored.map(({ loss }) => loss)),
    cotangents: new Map(
      scored.map(({ head, gradient }) => [head.logits, tf.reshape(gradient, [batch.size, 1, 1, network.classes])]),
    ),
  }
}

/**
 * Returns the objective of kind `observed`, Σ cotangent·value over the observed activations, and its gradients wrt
 * them.
 *
 * @param value returns an activation of the network, [batch, height, width, channels]
 */
export function scoreObserved(
  { observed = [], values }: Network,
  batch: Batch,
  objective: Objective & { readonly kind: 'observed' },
  value: (id: ValueId) => tf.Tensor,
): HeadScores {
  const cotangents = observed.map((id, i): readonly [ValueId, tf.Tensor] => {
    const { height, width, channels } = values[id]
    return [id, tf.tensor4d(objective.cotangents[i].slice(), [batch.size, height, width, channels])]
  })
  const terms = cotangents.map(([id, cotangent]) => tf.sum(tf.mul(cotangent, tf.reshape(value(id), cotangent.shape))))
  return { loss: terms.length > 0 ? addAll(terms) : tf.scalar(0), cotangents: new Map(cotangents) }
}

/** Returns one head's part of the loss, and its gradient with respect to that head's logits. */
function scoreHead({ classes }: Network, batch: Batch, objective: LogitsObjective, head: Head, logits: tf.Tensor) {
  if (objective.kind === 'logits') {
    const cotangent = tf.tensor2d(objective.cotangent.slice(), [batch.size, classes])
    return { loss: tf.sum(tf.mul(logits, cotangent)), gradient: cotangent }
  }
  const weights = classWeightsOf(objective, { classes })
  const share = head.lossWeight / batch.labels.reduce((sum, label) => sum + weights[label], 0)
  const plain = targets(batch, classes, objective.labelSmoothing ?? 0)
  const target = tf.tensor2d(
    plain.map((part, i) => part * weights[i % classes]),
    [batch.size, classes],
  )
  const logProbability = logSoftmax(logits)
  const probability = tf.exp(logProbability)
  // Without class weights a target sums to 1; multiplying by the computed sum would change the last bits.
  const scaled = objective.classWeights === undefined ? probability : tf.mul(probability, tf.sum(target, 1, true))
  return {
    loss: tf.mul(tf.sum(tf.mul(target, logProbability)), -share),
    gradient: tf.mul(tf.sub(scaled, target), share),
  }
}

/**
 * Returns the target distribution of each sample with label smoothing s, (1 − s)·onehot + s / classes, [batch,
 * classes].
 */
function targets({ labels, size }: Batch, classes: number, smoothing: number): Float32Array {
  const target = new Float32Array(size * classes).fill(smoothing / classes)
  for (let i = 0; i < size; i++) target[i * classes + labels[i]] += 1 - smoothing
  return target
}

/** Returns the log softmax of each sample's logits, computed without overflow. */
function logSoftmax(logits: tf.Tensor): tf.Tensor {
  const shifted = tf.sub(logits, tf.max(logits, 1, true))
  return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)))
}

/**
 * Returns [correct, correct5] of a batch: the number of samples whose label has the largest logit, and the number whose
 * label is among the five largest. Of equal logits the lower class comes first. A label whose logit is NaN counts as
 * wrong; other NaNs do not matter.
 */
export function countCorrect(batch: Batch, classes: number, logits: tf.Tensor): tf.Tensor1D {
  const { own, lower, higher } = labelMasks(batch, classes)
  const ofLabel = tf.sum(tf.where(tf.cast(own, 'bool'), logits, tf.zerosLike(logits)), 1, true)
  const outranking = [
    tf.mul(lower, tf.cast(tf.greaterEqual(logits, ofLabel), 'float32')),
    tf.mul(higher, tf.cast(tf.greater(logits, ofLabel), 'float32')),
  ]
  const rank = tf.sum(tf.addN(outranking), 1, true) // [batch, 1]
  const isNumber = tf.equal(ofLabel, ofLabel)
  const isAmong = tf.logicalAnd(isNumber, tf.less(rank, tf.tensor2d([1, 5], [1, 2])))
  return tf.sum(tf.cast(isAmong, 'float32'), 0)
}

/**
 * Returns three masks of 0 and 1, [batch, classes] each: `own` is 1 at the sample's label, `lower` at all lower
 * classes, `higher` at all higher classes.
 */
function labelMasks({ labels, size }: Batch, classes: number) {
  const mask = (belongs: (difference: number) => boolean) => {
    const isIn = (i: number) => belongs((i % classes) - labels[Math.floor(i / classes)])
    const bits = Float32Array.from({ length: size * classes }, (_, i) => (isIn(i) ? 1 : 0))
    return tf.tensor2d(bits, [size, classes])
  }
  return {
    own: mask((difference) => difference === 0),
    lower: mask((difference) => difference < 0),
    higher: mask((difference) => difference > 0),
  }
}

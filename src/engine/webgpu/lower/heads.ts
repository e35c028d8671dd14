/**
 * Emits the dispatches of both objectives (cross-entropy, and Σ cotangent·logits): the loss and ∂loss/∂logits of every
 * classifier head.
 */
import { cotangent, crossEntropy } from '../kernels/loss.ts'
import { clear } from '../kernels/pointwise.ts'
import { itemGrid } from '../plan/program.ts'
import type { Transient } from '../plan/storage.ts'
import type { Context } from './context.ts'

const ONE_WORKGROUP = () => [1, 1, 1] as const

/** Emits the dispatches of both objectives in two sections of the program, of which a step runs one. */
export function lowerHeads(context: Context): void {
  const { program, feeds, graph } = context
  const { labels, results, classWeights, cotangent: cotangents } = feeds
  const { heads, classes } = graph.network
  const gradients = heads.map(({ logits }) => logitsGradient(context, logits))
  const buffersOf = (head: number) => ({
    logits: context.value(heads[head].logits),
    gradient: gradients[head],
    ...{ labels, results },
  })
  program.enter('cross-entropy')
  heads.forEach(({ logits, lossWeight }, head) => {
    const { channels } = context.extent(logits)
    const args = { classes, channels, main: head === 0 ? 1 : 0, weight: bitsOf(lossWeight) }
    program.emit(crossEntropy, { buffers: { ...buffersOf(head), classWeights }, args, grid: ONE_WORKGROUP })
  })
  program.enter('logits')
  heads.forEach(({ logits }, head) => {
    const { channels, quads } = context.extent(logits)
    if (head === 0) {
      const args = { classes, channels, main: 1 }
      program.emit(cotangent, { buffers: { ...buffersOf(head), cotangents }, args, grid: ONE_WORKGROUP })
    } else {
      program.emit(clear, { buffers: { output: gradients[head] }, args: { perSample: quads }, grid: itemGrid(quads) })
    }
  })
}

/** Returns the buffer for ∂loss/∂logits of one head. The loss kernels run before the backward pass and overwrite it. */
function logitsGradient(context: Context, logits: number): Transient {
  const gradient = context.gradient(logits)
  if (gradient === undefined) return context.activation(context.extent(logits).channels, 'the gradient of the logits')
  gradient.accumulate(-1)
  return gradient.buffer
}

/** Returns the bits of a number in single precision, as an integer. */
const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]

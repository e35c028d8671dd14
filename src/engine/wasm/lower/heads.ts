/** Lowers the losses: one section of calls for each objective; both write ∂loss/∂logits of every head. */
import type { Temporary } from '../../plan/placement.ts'
import type { Context } from './context.ts'

export function lowerHeads(context: Context): void {
  const { program, layout, graph } = context
  const { heads, classes } = graph.network
  const gradients = heads.map(({ logits }) => logitsGradient(context, logits))
  const common = { labels: layout.labels, classes, tally: layout.tally }
  program.enter('cross-entropy')
  heads.forEach(({ logits, lossWeight }, head) => {
    program.emit('crossEntropy', {
      logits: context.value(logits),
      gradient: gradients[head],
      channels: context.extent(logits).channels,
      smoothing: layout.smoothing,
      weight: lossWeight,
      count: head === 0 ? 1 : 0,
      ...common,
    })
  })
  program.enter('logits')
  heads.forEach(({ logits }, head) => {
    const { channels } = context.extent(logits)
    const gradient = gradients[head]
    if (head > 0) program.emit('fill', { output: gradient, perSample: channels })
    else {
      const given = layout.cotangent
      program.emit('cotangent', { logits: context.value(logits), gradient, channels, given, ...common })
    }
  })
}

/** Returns the buffer of ∂loss/∂logits, which a loss overwrites: it is the first contribution of the backward pass. */
function logitsGradient(context: Context, logits: number): Temporary {
  const gradient = context.gradient(logits)
  if (gradient === undefined) return context.activation(context.extent(logits).channels, 'gradient of logits')
  gradient.accumulate(-1)
  return gradient.buffer
}

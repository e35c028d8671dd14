/** A network compiled: its program in an arena, and what the host needs to run it. */
import type { Network } from '../../../core/network.ts'
import { Activity } from '../../graph/activity.ts'
import type { Graph } from '../../graph/graph.ts'
import { lower } from '../../graph/lower.ts'
import { rewrite } from '../../graph/rewrite.ts'
import { type PlannedTerm, termsOf } from '../../graph/terms.ts'
import { emitForward, type Rules } from '../../plan/lowering.ts'
import type { Temporary } from '../../plan/placement.ts'
import type { NoiseSlot } from '../../plan/runInputs.ts'
import type { Arena } from '../module/module.ts'
import { signatures } from '../module/signatures.ts'
import { type Layout, layOut } from '../plan/layout.ts'
import { Program } from '../plan/program.ts'
import { lowerCombine } from './combine.ts'
import { Context, type Mask } from './context.ts'
import { lowerConvolve } from './convolve.ts'
import { lowerBias, lowerDropPath, lowerNoise } from './pointwise.ts'
import { lowerFrozenMaxPool, lowerGlobalMean, lowerPool } from './pool.ts'
import { lowerCrop, lowerRearrange } from './rearrange.ts'
import { lowerFrozenRelu, lowerRelu } from './relu.ts'

export interface Plan {
  readonly graph: Graph
  readonly program: Program
  readonly layout: Layout
  readonly activity: Activity
  readonly terms: readonly PlannedTerm[]
  /** Where the terms' numbers stand: floats, integers, doubles. */
  readonly termTable: Context['termTable']
  /** Buffers of the main logits and the features: addresses and channels as stored. */
  readonly logits: { readonly address: number; readonly channels: number }
  readonly features: { readonly address: number; readonly channels: number }
  readonly masks: readonly Mask[]
  readonly noises: readonly NoiseSlot<number>[]
  /** Bytes of the arena that are in use. */
  readonly bytes: number
}

export interface PlanOptions {
  readonly batchSize: number
  readonly threads: number
  readonly activations: 'live' | 'frozen'
}

/** @throws BenchError `unsupported` where the network does not fit into the module's memory */
export function plan(network: Network, arena: Arena, { batchSize, threads, activations }: PlanOptions): Plan {
  const graph = rewrite(lower(network), activations)
  const program = new Program(signatures)
  const layout = layOut(program, network, batchSize)
  const activity = new Activity(graph)
  const context = new Context(program, graph, layout, activity, { batchSize, threads })
  emitProgram(context)
  const bytes = program.load(arena, network.name)
  const stored = (id: number) => ({ address: context.value(id).address, channels: context.extent(id).channels })
  return {
    graph,
    program,
    layout,
    activity,
    terms: termsOf(graph, activity),
    termTable: context.termTable,
    logits: stored(network.heads[0].logits),
    features: stored(network.features),
    masks: context.masks,
    noises: context.noises,
    bytes,
  }
}

const rules: Rules<Context> = {
  combine: lowerCombine,
  convolve: lowerConvolve,
  relu: lowerRelu,
  frozenRelu: lowerFrozenRelu,
  avgPool: lowerPool,
  maxPool: lowerPool,
  frozenMaxPool: lowerFrozenMaxPool,
  globalMean: lowerGlobalMean,
  bias: lowerBias,
  crop: lowerCrop,
  dropPath: lowerDropPath,
  noise: lowerNoise,
  rearrange: lowerRearrange,
}

export function emitProgram(context: Context): void {
  const { graph, program } = context
  emitInput(context)
  const emitBackward = emitForward(context, graph, rules)
  program.touch(context.value(graph.network.features))
  lowerHeads(context)
  program.enter('backward')
  emitBackward()
}

/** Copies the images into the first value, padding their channels. */
function emitInput(context: Context): void {
  const { pixelsPerSample, channels } = context.extent(0)
  const dense = context.shape(0).channels
  const output = context.value(0)
  context.program.emit('padChannels', { input: context.layout.images, output, pixelsPerSample, dense, channels })
}

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

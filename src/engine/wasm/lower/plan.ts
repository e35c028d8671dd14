/**
 * Compiles a network for WebAssembly: translates it into a graph, lowers every operation and the losses to kernel
 * calls, and gives all buffers their addresses.
 */
import type { Network } from '../../../core/network.ts'
import { Activity } from '../../graph/activity.ts'
import type { Graph } from '../../graph/graph.ts'
import { lower } from '../../graph/lower.ts'
import { rewrite } from '../../graph/rewrite.ts'
import { type PlannedTerm, termsOf } from '../../graph/terms.ts'
import { emitPasses, type Rules } from '../../plan/lowering.ts'
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

/** A compiled network: its kernel calls, and the addresses that the host needs to run it. */
export interface Plan {
  readonly graph: Graph
  readonly program: Program
  readonly layout: Layout
  readonly activity: Activity
  readonly terms: readonly PlannedTerm[]
  /**
   * Byte addresses of three tables with one entry for each term of a weighted sum: the weights (float32), the activity
   * flags (int32) and the gradients of the weights (float64).
   */
  readonly termTable: Context['termTable']
  /**
   * Where the main head's logits are stored: byte address and number of channels, padding included. `features` says the
   * same of the last feature map before global pooling.
   */
  readonly logits: { readonly address: number; readonly channels: number }
  readonly features: { readonly address: number; readonly channels: number }
  /**
   * For each observed activation: byte addresses of the activation and of its gradient after a run, and the number of
   * channels, padding included, with which both are stored.
   */
  readonly observed: readonly {
    readonly address: number
    readonly gradient: number
    readonly channels: number
  }[]
  readonly masks: readonly Mask[]
  readonly noises: readonly NoiseSlot<number>[]
  /** Number of bytes of WebAssembly memory that the compiled network uses. */
  readonly bytes: number
}

/**
 * What a network is compiled for: the largest batch, the number of threads, and live or frozen activations (see
 * `rewrite`).
 */
export interface PlanOptions {
  readonly batchSize: number
  readonly threads: number
  readonly activations: 'live' | 'frozen'
}

/**
 * Compiles a network into a WebAssembly memory. @throws BenchError `unsupported` if the network does not fit into it
 */
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
    observed: (network.observed ?? []).map((id) => ({
      ...stored(id),
      gradient: context.gradient(id)?.buffer.address ?? 0,
    })),
    masks: context.masks,
    noises: context.noises,
    bytes,
  }
}

/** The functions that emit the kernel calls of an operation, one for each kind of operation. */
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

/**
 * Emits the forward calls of all operations, then the losses, then the backward calls of the operations in reverse
 * order.
 */
export function emitProgram(context: Context): void {
  emitPasses(context, rules, { input: emitInput, heads: lowerHeads })
}

/** Emits the call that copies the batch's images into the buffer of the network's input, adding padding channels. */
function emitInput(context: Context): void {
  const { pixelsPerSample, channels } = context.extent(0)
  const dense = context.shape(0).channels
  const output = context.value(0)
  context.program.emit('padChannels', { input: context.layout.images, output, pixelsPerSample, dense, channels })
}

/** Emits the kernel calls of the two losses; each loss computes ∂loss/∂logits of every head. */
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
      classWeights: layout.classWeights,
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

/** Returns the buffer of ∂loss/∂logits of one head. The loss overwrites it before the backward pass adds to it. */
function logitsGradient(context: Context, logits: number): Temporary {
  const gradient = context.gradient(logits)
  if (gradient === undefined) return context.activation(context.extent(logits).channels, 'gradient of logits')
  gradient.accumulate(-1)
  return gradient.buffer
}

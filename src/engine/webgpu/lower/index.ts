/**
 * Compiles a network for WebGPU: translates it into a graph, lowers every operation to dispatches, and returns these
 * with the buffers that the host writes and reads.
 */
import type { Network } from '../../../core/network.ts'
import { Activity } from '../../graph/activity.ts'
import { lower } from '../../graph/lower.ts'
import { orderByDepth, rewrite } from '../../graph/rewrite.ts'
import { type PlannedTerm, termsOf } from '../../graph/terms.ts'
import { emitPasses, type Rules } from '../../plan/lowering.ts'
import type { NoiseSlot } from '../../plan/runInputs.ts'
import type { Device } from '../device/device.ts'
import { RunNumbers } from '../device/transfers.ts'
import { total } from '../kernels/norm.ts'
import { padChannels } from '../kernels/pointwise.ts'
import { DOT_PARTS, dot, sgd } from '../kernels/vector.ts'
import { type Feeds, GRADIENT_TALLY, makeFeeds, type State } from '../plan/layout.ts'
import { fixedGrid, itemGrid, type Place, Program } from '../plan/program.ts'
import { lowerCombine } from './combine.ts'
import { Context, type Mask } from './context.ts'
import { lowerConvolve } from './convolve.ts'
import { lowerHeads } from './heads.ts'
import { lowerBias, lowerDropPath, lowerFrozenRelu, lowerNoise, lowerRelu } from './pointwise.ts'
import { lowerAvgPool, lowerFrozenMaxPool, lowerGlobalMean, lowerMaxPool } from './pool.ts'
import { lowerCrop, lowerRearrange } from './rearrange.ts'

/** A compiled network: its dispatches and buffers on the GPU, and the data that the host needs to run them. */
export interface Plan {
  readonly program: Program
  readonly run: RunNumbers
  readonly state: State
  readonly feeds: Feeds
  readonly activity: Activity
  readonly terms: readonly PlannedTerm[]
  /**
   * Where the logits of the network's main head are stored on the GPU; `features`: the same for the feature map before
   * global pooling.
   */
  readonly logits: Output
  readonly features: Output
  /** Where each observed activation and the gradient with respect to it are stored on the GPU after a run. */
  readonly observed: readonly { readonly value: Output; readonly gradient: Output }[]
  /** One 32-bit word for each part of the network that can be switched off: 1 if it runs in this step, else 0. */
  readonly flags: GPUBuffer
  readonly masks: readonly Mask[]
  readonly noises: readonly NoiseSlot<GPUBuffer>[]
}

/** Where a result that the host reads back (logits or feature maps) is stored in GPU memory. */
export interface Output extends Place {
  /** Number of channels of the result as stored, padding channels included. */
  readonly channels: number
}

/** A network that has been translated into GPU dispatches but has no GPU buffers yet. */
export interface LoweredNetwork {
  readonly program: Program
  /**
   * Compiles all kernels of the network concurrently. Without this call, `finish` compiles them one after the other.
   */
  prepare(): Promise<void>
  /**
   * Creates the network's GPU buffers and returns its runnable plan.
   *
   * @throws BenchError `unsupported` if a buffer is larger than the device allows
   */
  finish(): Plan
}

/**
 * Translates a network into GPU dispatches: forward pass, loss, backward pass, and the SGD step on the weights.
 *
 * @param live the ordinary plan of the same network; if given, the result is a plan with frozen activations, whose
 * ReLUs and max poolings follow recorded masks, and which shares the input and result buffers of `live`
 */
export function lowerNetwork(
  device: Device,
  network: Network,
  batchSize: number,
  state: State,
  live?: Plan,
): LoweredNetwork {
  const graph = orderByDepth(rewrite(lower(network), live ? 'frozen' : 'live'))
  const activity = new Activity(graph)
  const terms = termsOf(graph, activity)
  const run = new RunNumbers(device)
  const program = new Program(device, run.buffer)
  const feeds = live?.feeds ?? makeFeeds(program, network, batchSize, terms.length)
  const { bindings, largestBinding } = device
  const context = new Context({ program, graph, activity, state, feeds, batchSize, bindings, largestBinding })
  emitProgram(context)
  const finish = (): Plan => {
    const placeOf = program.load(network.name)
    const output = (id: number, transient = context.value(id)): Output => ({
      ...placeOf(transient),
      channels: context.extent(id).channels,
    })
    return {
      ...{ program, run, state, feeds, activity, terms },
      logits: output(network.heads[0].logits),
      features: output(network.features),
      observed: (network.observed ?? []).map((id) => ({
        value: output(id),
        gradient: output(id, context.gradient(id)?.buffer),
      })),
      flags: context.tables.flags,
      masks: context.masks,
      noises: context.noises,
    }
  }
  return { program, prepare: () => program.prepare(), finish }
}

const rules: Rules<Context> = {
  combine: lowerCombine,
  convolve: lowerConvolve,
  relu: lowerRelu,
  frozenRelu: lowerFrozenRelu,
  avgPool: lowerAvgPool,
  maxPool: lowerMaxPool,
  frozenMaxPool: lowerFrozenMaxPool,
  globalMean: lowerGlobalMean,
  bias: lowerBias,
  crop: lowerCrop,
  dropPath: lowerDropPath,
  noise: lowerNoise,
  rearrange: lowerRearrange,
}

/** Emits all dispatches of a training step: forward pass, losses, backward pass, and the SGD step on the weights. */
function emitProgram(context: Context): void {
  emitPasses(context, rules, { input: emitInput, heads: lowerHeads })
  emitCoefficientGradients(context)
  emitDescent(context)
}

/** Emits the dispatch that copies the images into the network's input (value 0) and pads their channels with zeros. */
function emitInput(context: Context): void {
  const { pixelsPerSample, quads, quadsPerSample } = context.extent(0)
  context.program.emit(padChannels, {
    buffers: { images: context.feeds.images, output: context.value(0) },
    args: { pixelsPerSample, channels: context.shape(0).channels, quads },
    grid: itemGrid(quadsPerSample),
  })
}

/**
 * Emits one dispatch that computes, for every term of all nodes, the gradient of the loss with respect to the term's
 * coefficient, which is a product of mixing weights.
 */
function emitCoefficientGradients({ program, tables, feeds }: Context): void {
  const { contributions: bases, vectors, termCount } = tables
  if (termCount === 0) return
  const buffers = { bases, vectors, results: feeds.results }
  program.emit(total, {
    buffers,
    args: { first: 4 * (GRADIENT_TALLY + 1), termCount },
    grid: fixedGrid(termCount),
    when: 'coefficients',
  })
}

/**
 * Emits the SGD step on the weights in two dispatches: one for the norm of the gradient, one for clipping, weight
 * decay, momentum and the update.
 */
function emitDescent({ program, state }: Context): void {
  const { length, weights, momentum, gradient, parts } = state
  program.enter('descent')
  const args = { length }
  program.emit(dot, { buffers: { x: gradient, y: gradient, parts }, args, grid: () => [DOT_PARTS, 1, 1] })
  program.emit(sgd, { buffers: { gradient, parts, weights, buffer: momentum }, args, grid: fixedGrid(length) })
}

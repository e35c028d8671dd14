/** Counts the dispatches, bytes and operations of a step of the static executor on WebGPU from its plan. */
import { type Network, sizeOf } from '../../src/core/network.ts'
import type { Device } from '../../src/engine/webgpu/device/device.ts'
import { lowerNetwork } from '../../src/engine/webgpu/lower/index.ts'
import { disposeState, makeState } from '../../src/engine/webgpu/plan/layout.ts'
import type { Traffic } from '../../src/engine/webgpu/plan/program.ts'

export type StepName = 'weights' | 'architecture'

/** The work of one step. */
export interface Work {
  /** The dispatches in order, each with the bytes of the activations that it reads or writes. */
  readonly dispatches: readonly Traffic[]
  /** Bytes of activations that all dispatches read or write. */
  readonly bytes: number
  /** Floating-point operations of convolutions and linear layers; a multiply-add counts as two. */
  readonly operations: number
  /** Bytes of the temporary buffers of the plan. */
  readonly memory: number
}

/** Counts the work of a step without running it; only the weights take memory on the device. */
export function workOf(device: Device, network: Network, batchSize: number, step: StepName): Work {
  const state = makeState(device, network)
  const { program } = lowerNetwork(device, network, batchSize, state)
  const weights = step === 'weights'
  const runKind = { mode: 'train', weights, coefficients: !weights, pathMasked: false, recording: false } as const
  const sections = ['forward', 'cross-entropy', 'backward', ...(weights ? (['descent'] as const) : [])] as const
  const dispatches = sections.flatMap((section) => program.traffic(section, runKind))
  const memory = program.transientBytes
  program.dispose()
  disposeState(state)
  return {
    dispatches,
    bytes: dispatches.reduce((sum, { bytes }) => sum + bytes, 0),
    // The forward pass, the gradient of the input, and, in a weight step, the gradient of the filter cost the same.
    operations: (weights ? 3 : 2) * 2 * batchSize * multiplications(network),
    memory,
  }
}

/** Counts the multiply-adds of a forward pass for one sample. */
function multiplications({ layers, values, parameters }: Network): number {
  return layers.reduce((sum, layer) => {
    if (layer.kind === 'linear') return sum + sizeOf(parameters[layer.weight].shape)
    if (layer.kind !== 'conv' && layer.kind !== 'depthwiseConv') return sum
    const { height, width } = values[layer.output]
    return sum + height * width * sizeOf(parameters[layer.filter].shape)
  }, 0)
}

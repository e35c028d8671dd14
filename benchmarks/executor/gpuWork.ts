/** What a step of the static executor makes a GPU do, counted from its plan. */
import { type Network, sizeOf } from '../../src/core/network.ts'
import type { Device } from '../../src/engine/webgpu/device/device.ts'
import { lowerNetwork } from '../../src/engine/webgpu/lower/index.ts'
import { disposeState, makeState } from '../../src/engine/webgpu/plan/layout.ts'
import type { Traffic } from '../../src/engine/webgpu/plan/program.ts'

export type StepName = 'weights' | 'architecture'

export interface Work {
  /** In their order; bytes are those of all activations that each reads or writes, named once. */
  readonly dispatches: readonly Traffic[]
  readonly bytes: number
  /** Of convolutions and linear layers: a multiplication and an addition each. */
  readonly operations: number
  /** Bytes that the plan needs for all that lives within a step. */
  readonly memory: number
}

/** No step is run, and no memory is taken but that of the weights. */
export function workOf(device: Device, network: Network, batchSize: number, step: StepName): Work {
  const state = makeState(device, network)
  const { program } = lowerNetwork(device, network, batchSize, state)
  const weights = step === 'weights'
  const situation = { mode: 'train', weights, coefficients: !weights, pathMasked: false, recording: false } as const
  const sections = ['forward', 'cross-entropy', 'backward', ...(weights ? (['descent'] as const) : [])] as const
  const dispatches = sections.flatMap((section) => program.traffic(section, situation))
  const memory = program.transientBytes
  program.dispose()
  disposeState(state)
  return {
    dispatches,
    bytes: dispatches.reduce((sum, { bytes }) => sum + bytes, 0),
    // Forward, the gradient wrt what is read, and that wrt the filter.
    operations: (weights ? 3 : 2) * 2 * batchSize * multiplications(network),
    memory,
  }
}

/** Of a forward pass, a sample. */
function multiplications({ layers, values, parameters }: Network): number {
  return layers.reduce((sum, layer) => {
    if (layer.kind === 'linear') return sum + sizeOf(parameters[layer.weight].shape)
    if (layer.kind !== 'conv' && layer.kind !== 'depthwiseConv') return sum
    const { height, width } = values[layer.output]
    return sum + height * width * sizeOf(parameters[layer.filter].shape)
  }, 0)
}

/**
 * The executor that trains and evaluates networks on WebGPU. A network is compiled once to a list of dispatches over
 * fixed buffers. A training step submits the list as one command buffer; the host reads back only the loss, the numbers
 * of correct predictions, and the gradients that it asks for.
 */
import type { CompileOptions, Executable, Executor } from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { checkObserved, untilDisposed } from '../plan/executable.ts'
import { Device } from './device/device.ts'
import { axpy, dot, scale } from './kernels/vector.ts'
import { type LoweredNetwork, lowerNetwork, type Plan } from './lower/index.ts'
import { disposeState, makeState } from './plan/layout.ts'
import { WebgpuExecutable } from './run/executable.ts'

/**
 * Returns an executor that trains and evaluates networks on WebGPU. All its sums have a fixed order, so that repeated
 * runs on one device give bit-identical results.
 *
 * @param options.device the GPU device to use; absent: the executor opens one
 * @throws BenchError `unsupported` if there is no GPU
 */
export async function openWebgpuExecutor(options: { readonly device?: Device } = {}): Promise<Executor> {
  const device = options.device ?? (await Device.open())
  await device.prepare([axpy, dot, scale])
  return {
    name: 'static/webgpu',
    arithmetic: 'device',
    onGpu: !device.description.isSoftware,
    async compile(network: Network, { batchSize }: CompileOptions): Promise<Executable> {
      device.check()
      checkObserved(network)
      const state = makeState(device, network)
      try {
        const plan = await finished(lowerNetwork(device, network, batchSize, state))
        const planFrozen = () => lowerNetwork(device, network, batchSize, state, plan).finish()
        return untilDisposed(new WebgpuExecutable({ device, network, batchSize, state, plan, planFrozen }))
      } catch (error) {
        disposeState(state)
        throw error
      }
    },
  }
}

/**
 * Compiles all kernels of a network concurrently, creates its GPU buffers, and returns its runnable plan.
 *
 * @throws BenchError `unsupported` if the buffers do not fit into GPU memory
 */
async function finished(lowered: LoweredNetwork): Promise<Plan> {
  try {
    await lowered.prepare()
    const plan = lowered.finish()
    await plan.program.fits
    return plan
  } catch (error) {
    lowered.program.dispose()
    throw error
  }
}

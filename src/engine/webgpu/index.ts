/**
 * The static executor on WebGPU: a network becomes, once, a list of dispatches over buffers that stay; a step is one
 * submission of the list, and nothing is read back but the few numbers that the host wants.
 */
import type { CompileOptions, Executable, Executor } from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { untilDisposed } from '../disposal.ts'
import { Device } from './device/device.ts'
import { axpy, dot, scale } from './kernels/vector.ts'
import { type Draft, draft, type Plan } from './lower/plan.ts'
import { disposeState, makeState } from './plan/layout.ts'
import { WebgpuExecutable } from './run/executable.ts'

/**
 * Fixed orders of summation: the same bits every time on one device.
 *
 * @param options.device one that is open already
 * @throws BenchError `unsupported` where there is no GPU
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
      const state = makeState(device, network)
      try {
        const plan = await prepared(draft(device, network, batchSize, state))
        const planHeld = () => draft(device, network, batchSize, state, plan).finish()
        return untilDisposed(new WebgpuExecutable({ device, network, batchSize, state, plan, planHeld }))
      } catch (error) {
        disposeState(state)
        throw error
      }
    },
  }
}

/** Finishes a plan whose kernels are compiled side by side. @throws BenchError `unsupported` where it does not fit */
async function prepared(drafted: Draft): Promise<Plan> {
  try {
    await drafted.prepare()
    const plan = drafted.finish()
    await plan.program.fits
    return plan
  } catch (error) {
    drafted.program.dispose()
    throw error
  }
}

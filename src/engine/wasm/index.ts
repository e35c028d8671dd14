/**
 * Opens the static executor on WebAssembly SIMD. It compiles a network once into a list of kernel calls, whose
 * arguments are fixed and whose data all lie in one memory; each training step executes that list.
 */
import type { CompileOptions, Executable, Executor } from '../../core/executor.ts'
import { type Layer, type Network, sizeOf } from '../../core/network.ts'
import { checkObserved, untilDisposed } from '../plan/executable.ts'
import { plan } from './lower/plan.ts'
import { Arena, kernelModule } from './module/module.ts'
import { StaticExecutable } from './run/executable.ts'
import { Machine } from './run/machine.ts'
import type { Threads } from './threads/threads.ts'
import { joinThreads } from './threads/workerThreads.ts'

/** Options with which the static WebAssembly executor is opened. */
export interface StaticExecutorOptions {
  /**
   * Whether the kernels round a multiply-add once instead of twice: faster, but the results have other bits. Default:
   * false.
   */
  readonly fastMath?: boolean
  /**
   * Largest number of threads that share one training step, if the network is large enough to gain by them; absent: 1.
   */
  readonly threads?: number
  /**
   * Returns how many threads a network has enough work for. Tests replace it to run small networks on several threads.
   */
  readonly usefulThreads?: typeof usefulThreads
  /**
   * Opens the group of threads that share a step. Tests replace the worker threads by a group that runs in a fixed
   * order.
   */
  readonly joinThreads?: (threads: number) => Promise<Threads>
}

/**
 * Opens the static executor on WebAssembly. Its kernels sum in fixed orders, so the results have the same bits on every
 * machine, whatever the number of threads; with `fastMath` the same bits on every machine that has fused multiply-adds.
 * The memory of a disposed network is reused for the next one.
 *
 * @throws BenchError `unsupported` if `fastMath` is set and this machine has no fused multiply-add
 */
export async function openStaticExecutor({
  threads: most = 1,
  usefulThreads: paying = usefulThreads,
  joinThreads: join = joinThreads,
  fastMath = false,
}: StaticExecutorOptions = {}): Promise<Executor> {
  const arithmetic = fastMath ? 'fused' : 'deterministic'
  const module = await kernelModule(arithmetic)
  const free: Arena[] = []
  let threadsSoFar = 1
  return {
    name: 'static/wasm',
    arithmetic,
    get threads() {
      return threadsSoFar
    },
    async compile(network: Network, { batchSize }: CompileOptions): Promise<Executable> {
      checkObserved(network)
      const threads = Math.min(most, paying(network, batchSize))
      const prepare = (activations: 'live' | 'frozen') => {
        const arena = free.pop() ?? new Arena(module)
        return { arena, plan: plan(network, arena, { batchSize, threads, activations }) }
      }
      const live = prepare('live')
      const group = threads > 1 ? await join(threads) : undefined
      threadsSoFar = Math.max(threadsSoFar, threads)
      const machines: Machine[] = []
      const machine = ({ arena, plan }: ReturnType<typeof prepare>) => {
        const opened = new Machine(network, batchSize, plan, arena, group)
        machines.push(opened)
        return opened
      }
      const release = () => {
        for (const machine of machines) machine.close()
        // A lost thread may still write to this memory, so it is not reused.
        if (!group?.isLost) free.push(...machines.map(({ arena }) => arena))
        group?.leave()
      }
      return untilDisposed(new StaticExecutable(machine(live), () => machine(prepare('frozen')), release))
    },
  }
}

/**
 * Number of multiply-adds that a network's average layer must have for each thread, so that the thread saves more time
 * than waiting at barriers costs: about 40 µs of work. A barrier of two threads takes half a microsecond if both have a
 * core, and hundreds of microseconds if one waits for a core. With less work per layer, threads gain a little on an
 * idle machine and lose more on a busy one (docs/decisions/0005).
 */
const MULTIPLY_ADDS_PER_THREAD = 400_000

/** Returns for how many threads an average layer of the network has enough multiply-adds; at least 1. */
export function usefulThreads(network: Network, batchSize: number): number {
  const work = network.layers.reduce((sum, layer) => sum + multiplyAdds(layer, network), 0)
  return Math.max(1, Math.floor((batchSize * work) / (network.layers.length * MULTIPLY_ADDS_PER_THREAD)))
}

/**
 * Returns the number of multiply-adds in a layer's forward pass for one sample; for layers without weights, the number
 * of entries that the layer writes.
 */
function multiplyAdds(layer: Layer, { values, parameters }: Network): number {
  const { height, width, channels } = values[layer.output]
  if (layer.kind === 'conv' || layer.kind === 'depthwiseConv')
    return height * width * sizeOf(parameters[layer.filter].shape)
  return height * width * channels
}

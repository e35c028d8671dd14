/**
 * The static executor on WebAssembly SIMD: a network becomes, once, a list of kernel calls with fixed arguments in one
 * memory; a step is a replay of the list.
 */
import type { CompileOptions, Executable, Executor } from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { untilDisposed } from '../disposal.ts'
import { Arena, kernelModule } from './module/module.ts'
import { plan } from './plan/plan.ts'
import { StaticExecutable } from './run/executable.ts'
import { Machine } from './run/machine.ts'
import type { Threads } from './threads/threads.ts'
import { usefulThreads } from './threads/usefulThreads.ts'
import { joinThreads } from './threads/workerThreads.ts'

export interface StaticExecutorOptions {
  /** Round multiply-adds once: faster, in other bits. */
  readonly fastMath?: boolean
  /** That may work on one step, where it is large enough to gain by them; 1 where absent. */
  readonly threads?: number
  /** How many a step can use; the tests ask for more than small networks gain by. */
  readonly usefulThreads?: typeof usefulThreads
  /** What does a step together, if not worker threads. */
  readonly joinThreads?: (threads: number) => Promise<Threads>
}

/**
 * Fixed orders of summation: the same bits on every machine, whatever the number of threads; with `fastMath` the same bits
 * on every machine that has a fused multiply-add.
 *
 * A network that has been disposed of leaves its memory to the next one; threads end with the last that uses them.
 *
 * @throws BenchError `unsupported` where `fastMath` is asked for and this machine has no fused multiply-add
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
      const threads = Math.min(most, paying(network, batchSize))
      const prepare = (activations: 'live' | 'frozen') => {
        const arena = free.pop() ?? new Arena(module)
        return { arena, plan: plan(network, arena, { batchSize, threads, activations }) }
      }
      const live = prepare('live')
      const crew = threads > 1 ? await join(threads) : undefined
      threadsSoFar = Math.max(threadsSoFar, threads)
      const machines: Machine[] = []
      const machine = ({ arena, plan }: ReturnType<typeof prepare>) => {
        const opened = new Machine(network, batchSize, plan, arena, crew)
        machines.push(opened)
        return opened
      }
      const release = () => {
        for (const machine of machines) machine.close()
        // A thread that was given up may still be writing.
        if (!crew?.isLost) free.push(...machines.map(({ arena }) => arena))
        crew?.leave()
      }
      return untilDisposed(new StaticExecutable(machine(live), () => machine(prepare('frozen')), release))
    },
  }
}

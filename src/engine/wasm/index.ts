/**
 * The static executor on WebAssembly SIMD: a network becomes, once, a list of kernel calls with fixed arguments in one
 * memory; a step is a replay of the list.
 */
import type { CompileOptions, Executable, Executor } from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { untilDisposed } from '../disposal.ts'
import { StaticExecutable } from './executable.ts'
import { Machine } from './machine.ts'
import { Arena, kernelModule } from './module.ts'
import { plan } from './plan.ts'

/**
 * One thread and fixed orders of summation: the same bits every time on one machine. With `deterministic`, or where the
 * host has no relaxed SIMD, the same bits on every machine.
 *
 * A network that has been disposed of leaves its memory to the next one.
 */
export async function openStaticExecutor(options: { readonly deterministic?: boolean } = {}): Promise<Executor> {
  const { module, deterministic } = await kernelModule(options.deterministic ?? false)
  const free: Arena[] = []
  return {
    name: 'static/wasm',
    deterministic,
    async compile(network: Network, { batchSize }: CompileOptions): Promise<Executable> {
      const taken: Arena[] = []
      const machine = (gates: 'live' | 'held') => {
        const arena = free.pop() ?? new Arena(module)
        taken.push(arena)
        return new Machine(network, batchSize, plan(network, batchSize, arena, gates), arena)
      }
      const release = () => free.push(...taken.splice(0))
      return untilDisposed(new StaticExecutable(machine('live'), () => machine('held'), release))
    },
  }
}

/**
 * A group whose threads run every shared call one after the other, the last thread first, to test that order does not
 * matter.
 */
import { isOff } from '../../../../src/engine/plan/runInputs.ts'
import { ThreadKernels } from '../../../../src/engine/wasm/module/module.ts'
import { type BoundCall, bindCalls, type Threads } from '../../../../src/engine/wasm/threads/threads.ts'

export const threadsInTurn = (threads: number): Threads => ({
  threads,
  isLost: false,
  announce({ module, memory }) {
    const parts = Array.from({ length: threads }, () => new ThreadKernels(module, memory))
    parts.forEach((thread, part) => {
      thread.takePart(part, threads)
    })
    /** The bound calls, by list and part. */
    const lists: BoundCall[][][] = []
    return {
      addList: (calls) => lists.push(parts.map(({ kernels }) => bindCalls(kernels, calls))) - 1,
      run(list, calls, batch, flags) {
        for (const thread of parts) thread.batch = batch
        calls.forEach(({ isShared, condition, run }, i) => {
          if (isOff(flags, condition)) return
          if (isShared) for (const own of lists[list].toReversed()) own[i].run()
          else run()
        })
      },
      end() {},
    }
  },
  leave() {},
})

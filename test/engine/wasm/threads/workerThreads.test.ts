/**
 * Tests groups of threads that have ended: a thread exited before it was ready, or all networks have left the group.
 */
import { Worker } from 'node:worker_threads'
import { expect, test, vi } from 'vitest'
import { Arena, kernelModule } from '../../../../src/engine/wasm/module/module.ts'
import { joinThreads } from '../../../../src/engine/wasm/threads/workerThreads.ts'

/** Returns the result of `make`, and the workers that it started. */
function workersOf<T>(make: () => T): { readonly made: T; readonly workers: readonly Worker[] } {
  const on = vi.spyOn(Worker.prototype, 'on')
  const made = make()
  const workers = [...new Set(on.mock.contexts as Worker[])]
  on.mockRestore()
  return { made, workers }
}

test('a thread that exits before it is ready is an error for all callers of the group; the next group is a new one', async () => {
  const { made, workers } = workersOf(() => [joinThreads(3), joinThreads(3)])
  expect(workers).toHaveLength(2)
  const waiting = Promise.allSettled(made)
  await workers[1].terminate()
  for (const joining of await waiting) {
    // Exit code 0 if it ended before it started.
    const message = expect.stringMatching(
      /^a thread that helps with steps was lost \(exit code [01]\); run it again, or/,
    )
    expect(joining).toMatchObject({ status: 'rejected', reason: { code: 'failed', message } })
  }
  const next = await joinThreads(3)
  expect(next.isLost).toBe(false)
  next.leave()
})

test('running a step after every network has left the group is an error that says so', async () => {
  const group = await joinThreads(2)
  const module = await kernelModule('deterministic')
  const plan = group.announce({ module, memory: new Arena(module).memory, flags: new Uint8Array() })
  const list = plan.addList([])
  group.leave()
  expect(() => plan.run(list, [], 1, undefined)).toThrow(
    /^a thread that helps with steps was lost \(all networks have left its group/,
  )
  expect(group.isLost).toBe(false)
})

import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import type { Job } from '../../src/core/result.ts'
import { threadsEach } from '../../src/runner/runPlan.ts'
import type { WorkOrder } from '../../src/runner/workers/workOrder.ts'
import { fixtureProtocol } from '../report/fixtureRuns.ts'

const order = (executor?: string): WorkOrder => {
  const job: Job = {
    algorithm: { name: 'any', version: 1, options: {} },
    space: 'nb201',
    dataset: { name: 'shapes' },
    protocol: fixtureProtocol,
    probes: [],
    seed: 0,
    ...(executor && { executor }),
  }
  return { store: 'runs', jobs: [{ id: 'any-1', job }], plugins: [], executor: { backend: 'wasm' } }
}

test('the processes that train at a time share the cores out; black-box searches need none', () => {
  const cores = availableParallelism()
  const training = order('static/wasm')
  expect(threadsEach([training], cores)).toBe(cores)
  expect(threadsEach([training, order(), order()], cores)).toBe(cores)
  expect(threadsEach([training, training, training], 1)).toBe(cores)
  expect(
    threadsEach(
      Array.from({ length: 2 * cores }, () => training),
      cores,
    ),
  ).toBe(1)
  expect(
    threadsEach(
      Array.from({ length: 4 * cores }, () => training),
      2 * cores,
    ),
  ).toBe(1)
  expect(threadsEach([order()], 1)).toBe(cores)
})

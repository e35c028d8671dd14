import { expect, test } from 'vitest'
import type { Job } from '../../../src/core/result.ts'
import { threadsEach } from '../../../src/runner/processes/runPlan.ts'
import type { WorkOrder } from '../../../src/runner/run/messages.ts'
import { cores } from '../../../src/system/cores.ts'
import { fixtureProtocol } from '../../report/fixtureRuns.ts'

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

test('training processes divide the cores evenly; black-box searches use none', () => {
  const all = cores()
  const training = order('static/wasm')
  expect(threadsEach([training], all)).toBe(all)
  expect(threadsEach([training, order(), order()], all)).toBe(all)
  expect(threadsEach([training, training, training], 1)).toBe(all)
  expect(
    threadsEach(
      Array.from({ length: 2 * all }, () => training),
      all,
    ),
  ).toBe(1)
  expect(
    threadsEach(
      Array.from({ length: 4 * all }, () => training),
      2 * all,
    ),
  ).toBe(1)
  expect(threadsEach([order()], 1)).toBe(all)
})

/** The distribution of jobs over worker processes. */
import { describe, expect, test } from 'vitest'
import type { Job } from '../../../src/core/result.ts'
import type { Plan, PlannedJob } from '../../../src/runner/plan/plan.ts'
import { ordersOf } from '../../../src/runner/processes/orders.ts'
import type { Store } from '../../../src/runner/store/store.ts'

const algorithms = { quick: { kind: 'black-box' }, drnas: { kind: 'supernet' }, darts: { kind: 'supernet' } }
let count = 0
const planned = (algorithm: keyof typeof algorithms, dataset = 'cifar10', changes: Partial<Job> = {}) =>
  ({
    id: `${algorithm}-${count++}`,
    algorithm: algorithms[algorithm],
    job: { dataset: { name: dataset }, ...changes },
  }) as unknown as PlannedJob

function orders(missing: readonly PlannedJob[], jobs: number, seedsPerDevice = 1) {
  const experiment = { datasets: ['cifar10', 'cifar100'], plugins: ['./p.ts'], data: { cifar100: '/c' }, executor: {} }
  const plan = { experiment, lookups: new Map([['cifar100', { table: 'nb201' }]]) } as unknown as Plan
  return ordersOf(plan, missing, { folder: 'runs' } as Store, { jobs, seedsPerDevice })
}

describe('the work orders of a plan', () => {
  test('have every quick search once, in order, in at most as many lists as there are processes', () => {
    for (let searches = 0; searches <= 13; searches++) {
      for (let processes = 1; processes <= 6; processes++) {
        const missing = Array.from({ length: searches }, () => planned('quick'))
        const found = orders(missing, processes)
        expect(found.flatMap(({ jobs }) => jobs.map(({ id }) => id))).toEqual(missing.map(({ id }) => id))
        expect(found.length).toBeLessThanOrEqual(processes)
        const lengths = found.map(({ jobs }) => jobs.length)
        expect(Math.max(...lengths, 0)).toBe(Math.ceil(searches / processes))
        for (const { jobs, atATime } of found) expect([jobs.length > 0, atATime]).toEqual([true, 1])
      }
    }
  })

  test('have a process for each training, or for so many seeds of one algorithm, which run at once', () => {
    const [a, b, c, d] = [planned('drnas'), planned('drnas'), planned('drnas'), planned('darts')]
    const groups = (seeds: number) => orders([a, b, c, d], 2, seeds).map(({ jobs }) => jobs.map(({ id }) => id))
    expect(groups(1)).toEqual([[a.id], [b.id], [c.id], [d.id]])
    expect(groups(2)).toEqual([[a.id, b.id], [c.id], [d.id]])
    expect(groups(4)).toEqual([[a.id, b.id, c.id], [d.id]])
    expect(orders([a, b, c, d], 2, 2).map(({ atATime }) => atATime)).toEqual([2, 1, 1])
  })

  test('give a search whose architecture is trained in full a process of its own', () => {
    const retraining = {} as Job['retraining']
    const found = orders([planned('quick'), planned('quick', 'cifar10', { retraining }), planned('quick')], 1)
    expect(found.map(({ jobs }) => jobs.length)).toEqual([2, 1])
  })

  test('are of one dataset each, with its images and its table', () => {
    const found = orders([planned('quick', 'cifar100'), planned('quick'), planned('quick', 'cifar100')], 1)
    expect(found.map(({ jobs, data, table }) => [jobs.length, data, table])).toEqual([
      [1, undefined, undefined],
      [2, '/c', 'nb201'],
    ])
    expect(found[0]).toMatchObject({ store: 'runs', plugins: ['./p.ts'] })
  })
})

/** What is read from one training in a published benchmark record, and what counts as not measured. */
import { afterEach, describe, expect, test } from 'vitest'
import { raiseLimit } from '../../src/system/limits.ts'
import { isSeed, runReader } from '../../src/tables/importers/benchmarkRecords.ts'
import { resetLimits } from './resetLimits.ts'

afterEach(resetLimits)

const byEpoch = (name: string, ...values: unknown[]) =>
  new Map(values.map((value, epoch) => [name === '' ? epoch : `${name}@${epoch}`, value]))

/** Reads a training of two epochs, in which some entries are replaced or, where undefined, missing. */
function read(changes: Record<string, unknown> = {}) {
  const entries = {
    epochs: 2,
    eval_names: ['x-test'],
    arch_config: new Map([['arch_str', '|x|']]),
    params: 0.5,
    flop: 20,
    latency: [0.02, 0.04],
    train_acc1es: byEpoch('', 10, 20),
    train_losses: byEpoch('', 2, 1),
    train_times: byEpoch('', 3, 4),
    eval_acc1es: byEpoch('x-test', 11, 21),
    eval_losses: byEpoch('x-test', 2.5, 1.5),
    eval_times: byEpoch('x-test', 0.5, 0.25),
    ...changes,
  }
  const known = Object.entries(entries).filter(([, value]) => value !== undefined)
  return runReader()(new Map<unknown, unknown>(known), 'cifar10', 777, 'a record')
}
const curves = (...values: number[]) => Float64Array.from(values)

test('a seed is a whole number from 0', () => {
  expect([0, 777, 2 ** 53 - 1].map(isSeed)).toEqual([true, true, true])
  expect([-1, 1.5, 2 ** 53, Number.NaN, '777', null].filter(isSeed)).toEqual([])
})

describe('a training of a benchmark record', () => {
  test('has its curves on every split, its size and its mean latency', () => {
    expect(read()).toEqual({
      ...{ dataset: 'cifar10', epochs: 2, seed: 777, arch: '|x|', parametersM: 0.5, flopsM: 20 },
      latencySeconds: expect.closeTo(0.03, 12),
      splits: [
        { split: 'train', accuracyPct: curves(10, 20), loss: curves(2, 1), seconds: curves(3, 4) },
        { split: 'x-test', accuracyPct: curves(11, 21), loss: curves(2.5, 1.5), seconds: curves(0.5, 0.25) },
      ],
    })
  })

  test.each([undefined, null])('has curves without a measurement where the record has %s in place of one', (absent) => {
    const [train, test] = read({ train_losses: absent, eval_times: absent }).splits
    expect([train.loss, test.seconds]).toEqual([curves(Number.NaN, Number.NaN), curves(Number.NaN, Number.NaN)])
    expect(train.accuracyPct).toEqual(curves(10, 20))
  })

  test('has no measurement for an epoch that a curve lacks', () => {
    expect(read({ train_times: new Map([[1, 4]]) }).splits[0].seconds).toEqual(curves(Number.NaN, 4))
  })

  test('has the mean of the latencies that were measured, and none without one', () => {
    expect(read({ latency: [null, 0, -1, 0.02, 0.06] }).latencySeconds).toBeCloseTo(0.04, 12)
    for (const latency of [[], [null, -1, 0], undefined, 0.02])
      expect(read({ latency })).not.toHaveProperty('latencySeconds')
  })

  test('has no size where the record has none', () => {
    for (const absent of [undefined, null]) {
      const run = read({ params: absent, flop: absent })
      expect(run).not.toHaveProperty('parametersM')
      expect(run).not.toHaveProperty('flopsM')
    }
  })

  test('has at most as many numbers as the limit, three for each epoch on each split', () => {
    raiseLimit('source-numbers=12')
    expect(read().splits).toHaveLength(2)
    raiseLimit('source-numbers=11')
    expect(() => read()).toThrow('source-numbers')
  })
})

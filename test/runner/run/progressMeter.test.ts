import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EvaluationMeter, ProgressMeter } from '../../../src/runner/run/progressMeter.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'], now: 0 })
  vi.advanceTimersByTime(1000)
})
afterEach(() => vi.useRealTimers())

/** Counts the batches of one epoch, each after some time. */
function countEpoch(meter: ProgressMeter, batches: number, milliseconds = 200) {
  for (let batch = 0; batch < batches; batch++) {
    vi.advanceTimersByTime(milliseconds)
    meter.countBatch(4)
  }
}

describe('the meter of a search by epochs', () => {
  test('reports the finished part of all epochs after each batch', () => {
    const shares: number[] = []
    const meter = new ProgressMeter((share) => shares.push(share))
    for (const epoch of [0, 1]) {
      meter.beginEpoch(epoch, 2)
      expect(meter.epoch).toBe(epoch)
      countEpoch(meter, 4)
    }
    expect(shares).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((batches) => batches / 8))
  })

  test('expects as many batches as the previous epoch had, if an epoch passes over the data several times', () => {
    const shares: number[] = []
    const meter = new ProgressMeter((share) => shares.push(share))
    meter.beginEpoch(0, 2)
    countEpoch(meter, 8)
    expect(shares).toEqual([1, 2, 3, 4, 4, 4, 4, 4].map((batches) => batches / 8))
    shares.length = 0
    meter.beginEpoch(1, 2)
    countEpoch(meter, 8)
    expect(shares).toEqual([9, 10, 11, 12, 13, 14, 15, 16].map((batches) => batches / 16))
  })

  test('expects a single batch if the previous epoch had one', () => {
    const shares: number[] = []
    const meter = new ProgressMeter((share) => shares.push(share))
    for (const epoch of [0, 1]) {
      meter.beginEpoch(epoch, 2)
      countEpoch(meter, 1)
    }
    expect(shares).toEqual([1 / 8, 1])
  })

  test('reports at most every 150 ms', () => {
    const shares: number[] = []
    const meter = new ProgressMeter((share) => shares.push(share))
    meter.beginEpoch(0, 1)
    countEpoch(meter, 1, 150)
    countEpoch(meter, 1, 149)
    expect(shares).toEqual([1 / 4])
    countEpoch(meter, 1, 1)
    expect(shares).toEqual([1 / 4, 3 / 4])
  })
})

describe('the meter of a search by queries', () => {
  const queries = [40, 70, 60].map((accuracyPct) => ({ genotype: '', accuracyPct, usedSeconds: 0 }))

  test('reports after an answer, at most every 150 ms', async () => {
    const told: unknown[] = []
    const oracle = { queries, usedSeconds: 3, budgetSeconds: 10 }
    const meter = new EvaluationMeter(oracle, 5, (report) => told.push(report))
    vi.advanceTimersByTime(149)
    expect(meter.answered()).toBeUndefined()
    vi.advanceTimersByTime(1)
    await meter.answered()
    expect(told).toEqual([{ kind: 'evaluations', count: 3, most: 5, usedSeconds: 3, budgetSeconds: 10, bestPct: 70 }])
    expect(meter.answered()).toBeUndefined()
  })

  test('leaves out what is not known: the number of queries, a budget, a best accuracy', () => {
    const told: unknown[] = []
    const oracle = { queries: [], usedSeconds: 0, budgetSeconds: Number.POSITIVE_INFINITY }
    new EvaluationMeter(oracle, undefined, (report) => told.push(report)).report()
    expect(told).toEqual([{ kind: 'evaluations', count: 0, usedSeconds: 0 }])
  })
})

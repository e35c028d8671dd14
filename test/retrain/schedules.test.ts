import { describe, expect, test } from 'vitest'
import { random } from '../../src/core/random.ts'
import type { LearningRatePlan } from '../../src/core/retraining.ts'
import { learningRate } from '../../src/retrain/training.ts'
import { drawPathScales, dropProbability } from '../../src/training/dropPath.ts'

const plan = (changes: Partial<LearningRatePlan>): LearningRatePlan => ({
  initial: 0.5,
  schedule: 'cosine',
  decay: 1,
  warmUp: { epochs: 0, aboveBatchSize: 0, of: 'scheduled' },
  ...changes,
})
const rates = (epochs: number, changes: Partial<LearningRatePlan>, batchSize = 1024) =>
  Array.from({ length: epochs }, (_, epoch) => learningRate(epoch, { epochs, batchSize, learningRate: plan(changes) }))

describe('the learning rate', () => {
  test('falls on a cosine, an epoch at a time', () => {
    const [first, , middle, , ...rest] = rates(4, {})
    expect([first, rest]).toEqual([0.5, []])
    expect(middle).toBeCloseTo(0.25, 12)
  })

  test('falls on a line to 0 five epochs before the end, and spreads the last step over those', () => {
    const linear = rates(250, { schedule: 'linear' })
    expect(linear[0]).toBe(0.5)
    expect(linear[100]).toBeCloseTo((0.5 * 145) / 245, 12)
    expect(linear[244]).toBeCloseTo(0.5 / 245, 12)
    // Of an epoch on the line 5/5, 4/5, … 1/5.
    expect(linear.slice(245).map((rate) => rate * 245 * 2)).toEqual(
      [1, 0.8, 0.6, 0.4, 0.2].map((r) => expect.closeTo(r, 9)),
    )
  })

  test('of a short training falls on one line', () => {
    expect(rates(5, { schedule: 'linear' })).toEqual([0.5, 0.4, 0.3, 0.2, 0.1].map((rate) => expect.closeTo(rate, 12)))
  })

  test('is multiplied by the decay every epoch', () => {
    expect(rates(3, { schedule: 'exponential', decay: 0.97 })[2]).toBeCloseTo(0.5 * 0.97 ** 2, 12)
  })

  test('is warmed up: PC-DARTS scales the schedule, DrNAS the initial rate', () => {
    const warmUp = { epochs: 5, aboveBatchSize: 256, of: 'scheduled' } as const
    const scheduled = rates(250, { schedule: 'linear', warmUp })
    expect(scheduled[1]).toBeCloseTo(((0.5 * 244) / 245) * (2 / 5), 12)
    const initial = rates(250, { schedule: 'linear', warmUp: { ...warmUp, of: 'initial' } })
    expect(initial.slice(0, 5)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5].map((rate) => expect.closeTo(rate, 12)))
    expect(initial[5]).toBe(scheduled[5])
  })

  test('is not warmed up for small batches', () => {
    const warmUp = { epochs: 5, aboveBatchSize: 256, of: 'scheduled' } as const
    expect(rates(10, { warmUp }, 256)[0]).toBe(0.5)
  })
})

describe('drop path', () => {
  test('is off in the first epoch and grows linearly', () => {
    expect([0, 300, 599].map((epoch) => dropProbability(epoch, 600, 0.3))).toEqual([0, 0.15, 0.2995])
  })

  test('scales what it keeps, so that the mean over many samples is 1', () => {
    const scales = drawPathScales(40, 500, 0.3, random(0, 'test'))
    expect(scales).toHaveLength(20_000)
    expect(new Set(scales)).toEqual(new Set([0, Math.fround(1 / 0.7)]))
    const mean = scales.reduce((sum, scale) => sum + scale, 0) / scales.length
    // Standard error √(0.3 / 0.7 / 20000) = 0.0046.
    expect(Math.abs(mean - 1)).toBeLessThan(0.015)
  })

  test('draws sample by sample, not batch by batch', () => {
    expect(new Set(drawPathScales(1, 64, 0.5, random(1, 'test')))).toEqual(new Set([0, 2]))
  })
})

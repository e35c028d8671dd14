import { describe, expect, it } from 'vitest'
import { cosine, linear, warmUp } from '../../src/training/schedule.ts'
import { readGolden } from '../fixtures/golden.ts'

interface Cosine {
  readonly lr_max: number
  readonly lr_min: number
  readonly T: number
  readonly values_t_0_to_T: readonly number[]
}

describe('learning-rate schedules', () => {
  it('follow the golden cosines from the first step to the last', () => {
    for (const { lr_max, lr_min, T, values_t_0_to_T } of readGolden<{ cosine: readonly Cosine[] }>('optim').cosine) {
      values_t_0_to_T.forEach((value, step) => {
        expect(cosine(step, T, lr_max, lr_min)).toBeCloseTo(value, 12)
      })
    }
  })

  it('fall in a straight line', () => {
    expect(linear(0, 4, 10, 2)).toBe(10)
    expect(linear(1, 4, 10, 2)).toBe(8)
    expect(linear(4, 4, 10, 2)).toBe(2)
  })

  it('warm up over the first epochs, or not at all', () => {
    expect([0, 1, 4, 5, 100].map((epoch) => warmUp(epoch, 5))).toEqual([0.2, 0.4, 1, 1, 1])
    expect(warmUp(0, 0)).toBe(1)
  })
})

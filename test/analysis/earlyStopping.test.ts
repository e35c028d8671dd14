import { describe, expect, test } from 'vitest'
import { stopEpoch } from '../../src/analysis/earlyStopping.ts'

const measure = (values: readonly number[], every = 2) =>
  values.map((dominantEigenvalue, i) => ({ epoch: every * i, dominantEigenvalue }))

describe('early stopping by the dominant eigenvalue', () => {
  test('never stops while the eigenvalue stays', () => {
    const flat = measure(Array.from({ length: 25 }, () => 0.3))
    expect(flat.some((_, i) => stopEpoch(flat.slice(0, i + 1), { every: 2 }) !== undefined)).toBe(false)
  })

  test('answers with the epoch 4 + 8 before the current one when measured every 2 epochs', () => {
    const growing = measure(Array.from({ length: 25 }, (_, i) => 1.2 ** i))
    const stops = growing.map((_, i) => stopEpoch(growing.slice(0, i + 1), { every: 2 }))
    const first = stops.findIndex((epoch) => epoch !== undefined)
    expect(growing[first].epoch - (stops[first] as number)).toBe(12)
    expect(stops[first]).toBe(10)
  })

  test('stops at a ratio above the factor, not at it', () => {
    const step = (height: number) =>
      measure([...Array.from({ length: 12 }, () => 1), ...Array.from({ length: 5 }, () => height)])
    expect(stopEpoch(step(1.3), { every: 2, delta: 5 })).toBeUndefined()
    expect(stopEpoch(step(1.31), { every: 2, delta: 5 })).toBe(18)
  })

  test('compares means over the window: 1, 1, 1, 1, 6 averages 2', () => {
    const spike = measure([...Array.from({ length: 13 }, () => 1), 6])
    expect(stopEpoch(spike, { every: 2, factor: 1.99 })).toBe(14)
    expect(stopEpoch(spike, { every: 2, factor: 2 })).toBeUndefined()
  })
})

import { describe, expect, test } from 'vitest'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../../../src/runner/store/runFolder.ts'

const checkpoint: Checkpoint = {
  epochs: 3,
  search: {
    weights: Float32Array.from([0.1, Number.NaN, -0, 1e-45]),
    moments: { m: [[0.1, 1 / 3]], step: 12n },
    counts: Uint8Array.from([1, 2, 3]).subarray(1),
  },
  queries: [{ genotype: '|x|', accuracyPct: 91.2, usedSeconds: 100 }],
  startedAt: '2026-01-01T00:00:00.000Z',
  wallSeconds: 1.5,
}

describe('a checkpoint', () => {
  test('is read back with every bit', () => {
    const back = decodeCheckpoint(encodeCheckpoint(checkpoint), 'x')
    expect(back).toEqual(checkpoint)
    expect(Buffer.from((back.search.weights as Float32Array).buffer, 0)).toBeDefined()
    expect(Object.is((back.search.weights as Float32Array)[2], -0)).toBe(true)
  })

  test.each([
    ['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1)],
    ['with one bit turned', (bytes: Uint8Array) => bytes.with(bytes.length - 9, bytes[bytes.length - 9] ^ 1)],
    ['without a payload', (bytes: Uint8Array) => bytes.subarray(0, 30)],
  ])('%s is refused', (_, damage) => {
    expect(() => decodeCheckpoint(damage(encodeCheckpoint(checkpoint)), 'runs/x/checkpoint')).toThrow(
      'runs/x/checkpoint does not match its own hash; delete it to begin this run again',
    )
  })

  test('with other first bytes is refused', () => {
    expect(() => decodeCheckpoint(Buffer.from('PK\u0003\u0004 something else'), 'c')).toThrow(
      'c is not a checkpoint of this version; delete it to begin this run again',
    )
  })
})

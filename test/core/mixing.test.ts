import { describe, expect, it } from 'vitest'
import {
  argmax,
  coefficientLayout,
  flattenActive,
  flattenMixing,
  normalMatrix,
  softmax,
  softmaxGradient,
  unflattenGradient,
} from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'

const theta = [
  [1, 2, 3],
  [4, 5],
]

describe('the flat coefficient vector', () => {
  it('holds the operations row by row, then the edges', () => {
    expect([...flattenMixing({ theta, edgeWeights: [6, 7] })]).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('has edge weights of 1 where the mixing has none', () => {
    expect([...flattenMixing({ theta })]).toEqual([1, 2, 3, 4, 5, 1, 1])
  })

  it('is laid out as coefficientLayout says', () => {
    const flat = flattenMixing({ theta, edgeWeights: [6, 7] })
    const layout = coefficientLayout([3, 2])
    expect(layout.count).toBe(flat.length)
    theta.forEach((row, edge) => {
      row.forEach((value, op) => {
        expect(flat[layout.op(edge, op)]).toBe(value)
      })
    })
    expect([layout.edge(0), layout.edge(1)].map((at) => flat[at])).toEqual([6, 7])
  })

  it('comes back as a gradient of the same shape', () => {
    expect(unflattenGradient([1, 2, 3, 4, 5, 6, 7], { theta })).toEqual({ theta, edgeWeights: [6, 7] })
  })

  it('has the rows of each cell in turn, shared or its own, and gradients that add up over the cells', () => {
    const own = [[7, 8]]
    const cells = [{ edges: [0, 1] }, { edges: [1], theta: own }]
    expect([...flattenMixing({ theta, cells, edgeWeights: [6, 9] })]).toEqual([1, 2, 3, 4, 5, 7, 8, 6, 9, 9])
    const active = [
      [true, false, true],
      [false, true],
    ]
    expect([...(flattenActive({ theta, cells, active }) ?? [])]).toEqual([1, 0, 1, 0, 1, 0, 1, 1, 1, 1])
    expect(unflattenGradient([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { theta, cells })).toEqual({
      theta: [
        [1, 2, 3],
        [10, 12],
      ],
      edgeWeights: [8, 19],
      cells: [
        [
          [1, 2, 3],
          [4, 5],
        ],
        [[6, 7]],
      ],
    })
  })

  it('has a coefficient for the auxiliary skip connection of each edge behind the others', () => {
    const mixing = { theta, auxiliary: 0.5 }
    expect([...flattenMixing(mixing)]).toEqual([1, 2, 3, 4, 5, 1, 1, 0.5, 0.5])
    const layout = coefficientLayout([3, 2])
    expect([layout.auxiliary(0), layout.auxiliary(1)]).toEqual([7, 8])
    expect(unflattenGradient([1, 2, 3, 4, 5, 6, 7, 8, 9], mixing)).toEqual({ theta, edgeWeights: [6, 7] })
  })

  it('marks inactive operations, and computes all of them by default', () => {
    const active = [
      [true, false, true],
      [false, true],
    ]
    expect([...(flattenActive({ theta, active }) ?? [])]).toEqual([1, 0, 1, 0, 1, 1, 1])
    expect(flattenActive({ theta })).toBeUndefined()
  })
})

describe('softmax', () => {
  it('is positive, sums to 1 and does not overflow', () => {
    expect(softmax([1000, 1000])).toEqual([0.5, 0.5])
    expect(softmax([0, Math.log(3)])[1]).toBeCloseTo(0.75, 12)
  })

  it('has the gradient of central differences', () => {
    const alpha = [0.3, -1.2, 0.8]
    const g = [0.5, -2, 1.5]
    const loss = (row: readonly number[]) => softmax(row).reduce((sum, value, i) => sum + g[i] * value, 0)
    const step = 1e-6
    softmaxGradient(softmax(alpha), g).forEach((slope, i) => {
      const moved = (by: number) => alpha.map((value, j) => (i === j ? value + by : value))
      expect(slope).toBeCloseTo((loss(moved(step)) - loss(moved(-step))) / (2 * step), 8)
    })
  })
})

describe('argmax', () => {
  it('takes the lowest index of equals', () => {
    expect(argmax([1, 3, 3, 2])).toBe(1)
  })
})

describe('initial parameters', () => {
  it('are scaled normal numbers in the given shape, the same for the same stream', () => {
    const draw = () => normalMatrix([5, 5, 2], 1e-3, random(0, 'alpha'))
    expect(draw().map((row) => row.length)).toEqual([5, 5, 2])
    expect(draw()).toEqual(draw())
    expect(Math.max(...draw().flat().map(Math.abs))).toBeLessThan(5e-3)
  })
})

import { describe, expect, it } from 'vitest'
import { exponentiatedGradient, gaea, onSimplex } from '../../src/algorithms/gaea.ts'
import type { UpdateStep } from '../../src/algorithms/shared/bilevel.ts'
import { type Matrix, map, normalMatrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext } from './analyticSupernet.ts'

const at = {} as UpdateStep
const step = (theta: Matrix, gradient: Matrix, edges = theta.length, rate = 0.1, edgeRate = 0.3) =>
  exponentiatedGradient(edges, rate, edgeRate).step(theta, gradient, undefined, at).parameters
const sums = (theta: Matrix) => theta.map((row) => row.reduce((sum, value) => sum + value, 0))

describe('GAEA’s update', () => {
  it('keeps every row on the simplex, however long the gradients are', () => {
    const widths = [5, 3, 8]
    let theta: Matrix = widths.map((width) => Array.from({ length: width }, () => 1 / width))
    for (let i = 0; i < 50; i++) {
      theta = step(theta, normalMatrix(widths, 10 ** (i % 4), random(i)))
      expect(sums(theta)).toEqual(widths.map(() => expect.closeTo(1, 12)))
      expect(Math.min(...theta.flat())).toBeGreaterThan(0)
    }
  })

  it('is the closed form θ·exp(−ηg)/Σ away from the bound', () => {
    const [theta] = step([[0.2, 0.3, 0.5]], [[1, -2, 3]])
    const moved = [0.2 * Math.exp(-0.1), 0.3 * Math.exp(0.2), 0.5 * Math.exp(-0.3)]
    const sum = moved[0] + moved[1] + moved[2]
    expect(theta).toEqual(moved.map((value) => expect.closeTo(value / sum, 15)))
  })

  it('is a softmax of minus the summed gradients, so that steps commute until a weight meets the bound', () => {
    const gradients = [0, 1, 2].map((seed) => normalMatrix([4], 1, random(seed)))
    const start = [[0.25, 0.25, 0.25, 0.25]]
    const there = gradients.reduce<Matrix>((theta, gradient) => step(theta, gradient), start)
    const back = gradients.toReversed().reduce<Matrix>((theta, gradient) => step(theta, gradient), start)
    expect(there[0]).toEqual(back[0].map((value) => expect.closeTo(value, 14)))
  })

  it('does not change with a constant added to the gradient of an edge', () => {
    const theta = [[0.1, 0.6, 0.3]]
    const gradient = normalMatrix([3], 1, random(4))
    const shifted = map(gradient, (g) => g + 7)
    expect(step(theta, gradient)[0]).toEqual(step(theta, shifted)[0].map((value) => expect.closeTo(value, 13)))
  })

  it('holds an operation’s weight above 1e-5, and an edge weight not', () => {
    const half = [0.5, 0.5]
    const long = [1e3, 0]
    const [operations, edges] = step([half, half], [long, long], 1)
    expect(operations[0]).toBeCloseTo(1e-5 / (0.5 + 1e-5), 15)
    expect(edges[0]).toBeLessThan(1e-100)
  })

  it('moves edge weights at a rate of their own', () => {
    const [, edges] = step([[1], [0.5, 0.5]], [[0], [1, 0]], 1)
    expect(edges[0] / edges[1]).toBeCloseTo(Math.exp(-0.3), 14)
  })
})

describe('GAEA', () => {
  const options = gaea.options.parse({})

  it('starts uniform on every edge, and lowers the loss', async () => {
    const context = analyticContext({ protocol: { epochs: 10 } })
    const search = await gaea.search(context, options)
    const reports = []
    for (let epoch = 0; epoch < 10; epoch++) reports.push(await search.epoch(epoch))
    expect(context.networks[0].mixings[0].theta).toEqual(map(context.networks[0].mixings[0].theta, () => 0.2))
    expect(reports[9].validLoss).toBeLessThan(reports[0].validLoss as number)
  })

  it('takes both steps on batches of all training images with level=single', async () => {
    const context = analyticContext()
    const search = await gaea.search(context, gaea.options.parse({ level: 'single' }))
    const report = await search.epoch(0)
    expect(new Set(context.networks[0].calls)).toEqual(new Set(['gradient weights', 'step weights']))
    expect(context.networks[0].calls).toHaveLength(20)
    expect(report.validLoss).toBeUndefined()
  })

  it.each([nb201, darts])('learns a simplex of edge weights for each node of $name', ({ edges }) => {
    const nodes = new Set(edges.map(({ cell, to }) => `${cell} ${to}`)).size
    const theta = edges.map((edge) => edge.operations.map(() => 1 / edge.operations.length))
    const { mixing } = onSimplex(edges).relax(theta)
    expect(mixing.edgeWeights).toBeUndefined()
    const incoming = [...new Set(edges.map(({ cell, to }) => `${cell} ${to}`))].map((node) =>
      edges.filter(({ cell, to }) => `${cell} ${to}` === node),
    )
    const weights = incoming.map((list, n) => list.map((_, i) => n + i / 10))
    const relaxed = onSimplex(edges).relax([...theta, ...weights])
    const gradient = { theta, edgeWeights: edges.map((_, edge) => edge) }
    const back = relaxed.pullback(gradient)
    expect(back).toHaveLength(edges.length + nodes)
    for (const [edge, { cell, to }] of edges.entries()) {
      const node = incoming.findIndex((list) => list.some((other) => other.cell === cell && other.to === to))
      const place = incoming[node].indexOf(edges[edge])
      expect(relaxed.mixing.edgeWeights?.[edge]).toBe(weights[node][place])
      expect(back[edges.length + node][place]).toBe(edge)
    }
  })

  it('refuses a rate of edge weights that are not learnt', () => {
    expect(() => gaea.options.parse({ edgeRate: 0.2 })).toThrow('add edgeWeights=true')
  })
})

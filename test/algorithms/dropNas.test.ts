import { describe, expect, it } from 'vitest'
import { adjusted, drawKept, dropNas, groupedDropout, updateKept } from '../../src/algorithms/dropNas.ts'
import { adamStart } from '../../src/algorithms/shared/adam.ts'
import type { UpdateStep } from '../../src/algorithms/shared/bilevel.ts'
import { type Matrix, map, normalMatrix, softmax } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext, analyticData } from './analyticSupernet.ts'

const widths = nb201.edges.map(({ operations }) => operations.length)
const alpha = normalMatrix(widths, 1, random(1))

describe('the operations that a step keeps', () => {
  it.each([nb201, darts])('have one with and one without weights on every edge of $name, at any rate', ({ edges }) => {
    for (let seed = 0; seed < 20; seed++) {
      for (const [edge, kept] of drawKept(edges, 0.9, random(seed)).entries()) {
        const names = edges[edge].operations.filter((_, op) => kept[op])
        expect(names.some((name) => name.includes('conv'))).toBe(true)
        expect(names.some((name) => !name.includes('conv'))).toBe(true)
      }
    }
  })

  it('are all of them with rate 0, and about 1 − r^¼ of them else', () => {
    expect(drawKept(nb201.edges, 0, random(0)).flat().every(Boolean)).toBe(true)
    const draws = Array.from({ length: 400 }, (_, seed) => drawKept(darts.edges, 3e-5, random(seed)).flat()).flat()
    const share = draws.filter((kept) => !kept).length / draws.length
    expect(Math.abs(share - 3e-5 ** 0.25)).toBeLessThan(0.003)
  })
})

describe('DropNAS’ relaxation', () => {
  it('is a softmax over the kept operations, whose gradient is that of central differences', () => {
    const relaxation = groupedDropout(nb201.edges, 0.05)
    const g = normalMatrix(widths, 1, random(2))
    const loss = (at: Matrix) =>
      relaxation
        .relax(at, random(7))
        .mixing.theta.flat()
        .reduce((sum, value, i) => sum + value * g.flat()[i], 0)
    const { mixing, pullback } = relaxation.relax(alpha, random(7))
    expect(mixing.active?.flat().some((kept) => !kept)).toBe(true)
    const gradient = pullback({ theta: g, edgeWeights: [] })
    for (const [edge, row] of gradient.entries()) {
      for (const [op, slope] of row.entries()) {
        const moved = (by: number) => loss(map(alpha, (a, e, o) => a + (e === edge && o === op ? by : 0)))
        expect(slope).toBeCloseTo((moved(1e-6) - moved(-1e-6)) / 2e-6, 7)
        if (!mixing.active?.[edge][op]) expect([Math.abs(slope), mixing.theta[edge][op]]).toEqual([0, 0])
      }
    }
  })
})

describe('the adjustment of α', () => {
  const kept = drawKept(nb201.edges, 0.05, random(7))
  const share = (at: Matrix) =>
    at.map((row, edge) => softmax(row).reduce((sum, value, op) => sum + (kept[edge][op] ? value : 0), 0))

  it('gives the kept operations the share of the softmax that they had, and leaves the others', () => {
    const after = normalMatrix(widths, 1, random(9))
    const shifted = adjusted(after, alpha, kept)
    expect(share(shifted)).toEqual(share(alpha).map((value) => expect.closeTo(value, 12)))
    for (const [edge, row] of shifted.entries()) {
      for (const [op, a] of row.entries()) if (!kept[edge][op]) expect(a).toBe(after[edge][op])
    }
  })

  it('follows every step of α, along the mask of that step', () => {
    const update = updateKept(nb201.edges, 0.05)
    const stream = () => random(7)
    const settings = { learningRate: 0.1, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 1e-3 } as const
    const at: UpdateStep = { settings, epoch: 0, step: 0, stream }
    const gradient = map(normalMatrix(widths, 1, random(3)), (g, edge, op) => (kept[edge][op] ? g : 0))
    const { parameters } = update.step(alpha, gradient, adamStart(alpha), at)
    expect(share(parameters)).toEqual(share(alpha).map((value) => expect.closeTo(value, 12)))
    expect(parameters).not.toEqual(alpha)
  })
})

describe('the partial decay of α', () => {
  // With β = 0 and ε = 1, Adam's step along d is η·d/(|d| + 1).
  const settings = { learningRate: 0.1, adamBetas: [0, 0], epsilon: 1, weightDecay: 0.4, clipNorm: 0.3 } as const
  const stepAlong = (direction: Matrix) => {
    const norm = Math.hypot(...direction.flat())
    const factor = norm > settings.clipNorm ? settings.clipNorm / (norm + 1e-6) : 1
    return map(direction, (d) => (0.1 * d * factor) / (Math.abs(d * factor) + 1))
  }
  const minus = (a: Matrix, b: Matrix) => map(a, (value, edge, op) => value - b[edge][op])
  const update = (gradient: Matrix) =>
    updateKept(nb201.edges, 0).step(alpha, gradient, adamStart(alpha), {
      ...{ settings, epoch: 0, step: 0 },
      stream: () => random(7),
    }).parameters

  it('is a second step, along 2λα, clipped by itself, of those α alone that had a gradient', () => {
    const gradient = map(normalMatrix(widths, 1, random(3)), (g, edge, op) => ((edge + op) % 3 === 0 ? 0 : g))
    const first = minus(alpha, stepAlong(gradient))
    const decay = map(first, (a, edge, op) => (gradient[edge][op] === 0 ? 0 : 2 * settings.weightDecay * a))
    const second = minus(first, stepAlong(decay))
    expect(update(gradient).flat()).toEqual(second.flat().map((value) => expect.closeTo(value, 12)))
    expect(Math.hypot(...decay.flat())).toBeGreaterThan(settings.clipNorm)
  })

  it('takes a gradient of rounding errors for none', () => {
    const found = update(map(alpha, (_, edge) => (edge === 0 ? 5e-8 : 0)))
    const moved = 0.1 * 5e-8
    expect(found[0]).toEqual(alpha[0].map((value) => expect.closeTo(value - moved, 12)))
    expect(found.slice(1)).toEqual(alpha.slice(1))
  })
})

/** A context whose search network has its three weights in tensors of two and one. */
function withTensors(options: Parameters<typeof analyticContext>[0] = {}, hidden = false) {
  const context = analyticContext(options)
  const network = {
    parameters: [
      { name: 'a', shape: [2] },
      { name: 'b', shape: [1] },
    ],
  }
  /** Gradients wrt w, before DropNAS changes them. */
  const gradients: number[][] = []
  const own = {
    ...context,
    async supernet() {
      const made = await context.supernet()
      const gradient: typeof made.gradient = async (batch, mixing, given) => {
        const found = await made.gradient(batch, mixing, given)
        const values = await given?.weights?.read()
        if (hidden) values?.fill(0, 2)
        if (hidden && values) given?.weights?.write(values)
        if (values) gradients.push([...values])
        return found
      }
      return { ...made, weights: made.weights, gradient, executable: { ...made.executable, network } }
    },
  }
  return { context, own: own as never, gradients }
}

describe('DropNAS', () => {
  it('decays w by a second SGD step along 2λw, clipped by itself, without tensors that had no gradient', async () => {
    const weights = { ...analyticContext().protocol.weights, weightDecay: 0.3, clipNorm: 0.2 }
    const { context, own, gradients } = withTensors({ protocol: { weights } }, true)
    const data = { ...(await context.data()), whole: () => analyticData(0, 1) }
    const search = await dropNas.search({ ...(own as object), data: async () => data } as never, { rate: 0 })
    const [network] = context.networks
    const start = [...network.w()]
    await search.epoch(0)
    const clipped = (v: readonly number[]) => v.map((x) => x * Math.min(1, 0.2 / (Math.hypot(...v) + 1e-6)))
    const [rate, momentum] = [weights.learningRate, weights.momentum]
    const buffer = clipped(gradients[0])
    const first = start.map((w, i) => w - rate * buffer[i])
    const decay = clipped(first.map((w, i) => (i === 2 ? 0 : 2 * 0.3 * w)))
    const second = first.map((w, i) => w - rate * (momentum * buffer[i] + decay[i]))
    expect(gradients).toHaveLength(1)
    expect(network.w()).toEqual(second.map((value) => expect.closeTo(value, 6)))
    expect(network.w()[2]).toBe(start[2])
    expect(first.slice(0, 2)).not.toEqual(start.slice(0, 2))
  })

  it('drops nothing in a whole search with rate 0, and something with its own rate', async () => {
    for (const rate of [0, 3e-5]) {
      const { context, own } = withTensors()
      const search = await dropNas.search(own, { rate })
      for (let epoch = 0; epoch < search.epochs; epoch++) await search.epoch(epoch)
      const { mixings } = context.networks[0]
      expect(mixings).toHaveLength(40)
      const kept = mixings.flatMap(({ active }) => active?.flat() ?? [])
      expect(kept.every(Boolean)).toBe(rate === 0)
    }
  })

  it('takes both gradients from one pass over a batch of all training images', async () => {
    const { context, own } = withTensors()
    const search = await dropNas.search(own, dropNas.options.parse({}))
    const reports = [await search.epoch(0), await search.epoch(1), await search.epoch(2)]
    const { calls } = context.networks[0]
    expect(new Set(calls)).toEqual(new Set(['gradient weights']))
    expect(calls).toHaveLength(30)
    expect(reports.map(({ validLoss }) => validLoss)).toEqual([undefined, undefined, undefined])
    expect(reports[2].trainLoss).toBeLessThan(reports[0].trainLoss as number)
    expect(context.networks[0].vectorsHeld()).toBe(0)
  })
})

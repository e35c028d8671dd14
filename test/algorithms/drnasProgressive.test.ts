import { describe, expect, it } from 'vitest'
import { tinyData, tinyProtocol } from '../../src/algorithms/contract/tinyTask.ts'
import { drnas } from '../../src/algorithms/drnas.ts'
import { maskedDirichlet, prune } from '../../src/algorithms/drnasProgressive.ts'
import { randomMapping, widen } from '../../src/algorithms/drnasWidening.ts'
import type { Matrix } from '../../src/core/mixing.ts'
import { type Network, parameterCount, sizeOf } from '../../src/core/network.ts'
import { random } from '../../src/core/random.ts'
import type { SupernetOptions } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { builtinSpaces } from '../../src/spaces/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { full } from '../support/full.ts'
import { analyticContext } from './analyticSupernet.ts'

const networkOf = (partialChannels: number): Network =>
  nb201.supernet({
    shape: { height: 8, width: 8, channels: 3, classes: 10 },
    channels: 8,
    depth: 1,
    partialChannels,
    batchNorm: { affine: true, track: true },
  })

/** Each parameter's values by name. */
function byName(network: Network, values: Float32Array) {
  let start = 0
  return new Map(
    network.parameters.map(({ name, shape }) => {
      const part = values.subarray(start, start + sizeOf(shape))
      start += part.length
      return [name, { shape, values: part }] as const
    }),
  )
}

describe('widening', () => {
  const [narrow, wide] = [networkOf(4), networkOf(2)]
  const weights = Float32Array.from({ length: parameterCount(narrow) }, (_, i) => i)
  const statistics = narrow.statistics.reduce((sum, channels) => sum + 2 * channels, 0)
  const state = {
    weights,
    momentum: weights.map((value) => 2 * value),
    statistics: Float32Array.from({ length: statistics }, (_, i) => i),
  }
  const stream = (operation: string) => random(1, operation)
  const widened = widen(narrow, wide, state, stream)

  it('copies the old channels and fills the others with copies of them (eq. 7)', () => {
    const g = randomMapping(4, 9, random(2, 'g'))
    expect(g.slice(0, 4)).toEqual([0, 1, 2, 3])
    for (const from of g) expect(from).toBeLessThan(4)
  })

  it('maps inputs and outputs of a convolution alike, without dividing (eq. 8)', () => {
    const name = 'cell0.edge0-1.nor_conv_3x3.conv.weight'
    const old = byName(narrow, weights).get(name)
    const grown = byName(wide, widened.weights).get(name)
    expect(old?.shape).toEqual([3, 3, 2, 2])
    expect(grown?.shape).toEqual([3, 3, 4, 4])
    const g = randomMapping(2, 4, stream('cell0.edge0-1.nor_conv_3x3'))
    for (let at = 0; at < 9; at++) {
      for (let i = 0; i < 4; i++) {
        for (let o = 0; o < 4; o++) {
          expect(grown?.values[(at * 4 + i) * 4 + o]).toBe(old?.values[(at * 2 + g[i]) * 2 + g[o]])
        }
      }
    }
  })

  it('keeps parameters that do not grow', () => {
    for (const name of ['stem.conv.weight', 'cell1.conv_a.conv.weight', 'classifier.bias']) {
      expect(byName(wide, widened.weights).get(name)).toEqual(byName(narrow, weights).get(name))
    }
  })

  it('maps the momentum like the weights, and running statistics like their channels', () => {
    expect(widened.momentum).toEqual(widened.weights.map((value) => 2 * value))
    expect(widened.statistics).toHaveLength(wide.statistics.reduce((sum, channels) => sum + 2 * channels, 0))
    const scale = byName(wide, widened.weights).get('cell0.edge0-1.nor_conv_1x1.bn.weight')?.values
    const g = randomMapping(2, 4, stream('cell0.edge0-1.nor_conv_1x1'))
    const old = byName(narrow, weights).get('cell0.edge0-1.nor_conv_1x1.bn.weight')?.values
    expect([...(scale ?? [])]).toEqual(g.map((from) => old?.[from]))
    const layer = wide.layers.find(
      (each) =>
        each.kind === 'batchNorm' &&
        each.affine !== null &&
        wide.parameters[each.affine.scale].name === 'cell0.edge0-1.nor_conv_1x1.bn.weight',
    )
    const index = layer?.kind === 'batchNorm' ? (layer.statistics ?? 0) : 0
    const startOf = (network: Network) => network.statistics.slice(0, index).reduce((sum, n) => sum + 2 * n, 0)
    const means = Array.from(widened.statistics.subarray(startOf(wide), startOf(wide) + 4))
    expect(means).toEqual(g.map((from) => state.statistics[startOf(narrow) + from]))
  })
})

/** Space, channels, number of cells (a stage), K before and after. */
const growths: readonly [string, number, number, number, number][] = [
  ['darts', 12, 3, 6, 4],
  ['nb201', 8, 1, 4, 2],
  ['darts', 24, 5, 6, 3],
  ['darts-s2', 8, 3, 4, 2],
  ['darts', 8, 4, 2, 1],
]

/**
 * Numbers the output channels of all convolutions whose output is normalised; values of a network's state by that
 * number.
 */
function numberedChannels(network: Network) {
  const weights = network.parameters.map(({ shape }) => new Float32Array(sizeOf(shape)))
  const statistics = network.statistics.map((channels) => new Float32Array(2 * channels))
  /** Each part of a normalised value is the output of one convolution, or of none. */
  const filtersOf = (value: number): { filter?: number; channels: number }[] => {
    const layer = network.layers.find(({ output }) => output === value)
    if (layer?.kind === 'concat') return layer.inputs.flatMap(filtersOf)
    const { channels } = network.values[value]
    return [layer?.kind === 'conv' ? { filter: layer.filter, channels } : { channels }]
  }
  const normalised = network.layers.flatMap((layer) => (layer.kind === 'batchNorm' ? [layer] : []))
  return { weights, statistics, normalised, filtersOf }
}

/** Filters, scales, shifts, means and variances of a state in which each of them is the number of its channel. */
function stateOfNumbers(network: Network) {
  const { weights, statistics, normalised, filtersOf } = numberedChannels(network)
  let next = 1
  for (const { input, affine, statistics: index } of normalised) {
    const numbers = filtersOf(input).flatMap(({ filter, channels }) => {
      const own = Array.from({ length: channels }, () => next++)
      if (filter !== undefined) weights[filter].set(weights[filter].map((_, i) => own[i % channels]))
      return own
    })
    for (const parameter of affine === null ? [] : [affine.scale, affine.shift]) weights[parameter].set(numbers)
    if (index !== null) statistics[index].set([...numbers, ...numbers])
  }
  const joined = (parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]))
  return { weights: joined(weights), momentum: joined(weights), statistics: joined(statistics) }
}

describe.each(full ? growths : growths.slice(0, 2))(
  'widening %s, C = %i, %i cells, from K = %i to %i',
  (name, channels, depth, before, after) => {
    const of = (partialChannels: number) =>
      builtinSpaces[name].supernet({
        shape: { height: 16, width: 16, channels: 3, classes: 10 },
        ...{ channels, depth, partialChannels, batchNorm: { affine: true, track: true } },
      })
    const [narrow, wide] = [of(before), of(after)]
    const widened = widen(narrow, wide, stateOfNumbers(narrow), (operation) => random(3, operation))

    it('gives each channel the scale, shift, mean and variance of the channel that its filter is a copy of', () => {
      const { normalised, filtersOf, weights, statistics } = numberedChannels(wide)
      let start = 0
      for (const part of weights) {
        part.set(widened.weights.subarray(start, start + part.length))
        start += part.length
      }
      start = 0
      for (const part of statistics) {
        part.set(widened.statistics.subarray(start, start + part.length))
        start += part.length
      }
      let compared = 0
      for (const { input, affine, statistics: index } of normalised) {
        const parts = filtersOf(input)
        if (parts.some(({ filter }) => filter === undefined)) continue
        const filters = parts.flatMap(({ filter = 0, channels: count }) => [...weights[filter].slice(0, count)])
        expect(filters.every((number) => number > 0)).toBe(true)
        if (affine !== null) expect([...weights[affine.scale]]).toEqual(filters)
        if (affine !== null) expect([...weights[affine.shift]]).toEqual(filters)
        if (index !== null) expect([...statistics[index]]).toEqual([...filters, ...filters])
        compared += filters.length
      }
      expect(compared).toBeGreaterThan(100)
      expect(widened.momentum).toEqual(widened.weights)
    })
  },
)

describe('the masked Dirichlet', () => {
  const alpha: Matrix = [
    [0.4, -0.3, 0.1, 1.2],
    [-1.2, 0.8, 0.2, 0.5],
  ]
  const mask = [
    [true, false, true, true],
    [false, true, false, true],
  ]
  const cotangent: Matrix = [
    [1, -2, 0.5, 0.7],
    [0.3, 0.1, -1, 0.9],
  ]

  it('mixes the remaining operations with weights that sum to 1', () => {
    const { theta, active } = maskedDirichlet(mask).relax(alpha, random(1, 'draw')).mixing
    expect(active).toBe(mask)
    for (const [edge, row] of theta.entries()) {
      expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12)
      for (const [op, value] of row.entries()) expect(value > 0).toBe(mask[edge][op])
    }
  })

  it('differentiates its mean, and gives pruned operations no gradient', () => {
    const relaxation = maskedDirichlet(mask)
    const value = (a: Matrix) =>
      relaxation
        .relax(a)
        .mixing.theta.flat()
        .reduce((sum, t, i) => sum + t * cotangent.flat()[i], 0)
    const gradient = relaxation.relax(alpha).pullback({ theta: cotangent, edgeWeights: [] })
    for (const [edge, row] of alpha.entries()) {
      for (const op of row.keys()) {
        const moved = (by: number) => alpha.map((r, e) => r.map((a, o) => (e === edge && o === op ? a + by : a)))
        const slope = (value(moved(1e-6)) - value(moved(-1e-6))) / 2e-6
        expect(gradient[edge][op]).toBeCloseTo(slope, 8)
        if (!mask[edge][op]) expect(gradient[edge][op]).toBe(0)
      }
    }
  })

  it('differentiates through each draw: the mean of the gradient is the gradient of the mean', () => {
    const relaxation = maskedDirichlet([[true, false, true]])
    const eta: Matrix = [[0.5, 3, -0.4]]
    const n = 3000
    let slope = 0
    for (let draw = 0; draw < n; draw++) {
      const { pullback } = relaxation.relax(eta, random(draw, 'mask mean'))
      slope += pullback({ theta: [[1, 0, 0]], edgeWeights: [] })[0][0] / n
    }
    // θ₀ / (θ₀ + θ₂) is Beta(β₀, β₂), whose mean is β₀ / (β₀ + β₂).
    const [b0, b2] = [1.5, Math.exp(-0.4)]
    expect(Math.abs(slope - b2 / (b0 + b2) ** 2)).toBeLessThan(0.01)
  })
})

describe('pruning', () => {
  it('keeps the strongest operations of each edge, the lower index at ties, and never a pruned one', () => {
    const all = [[true, true, true, true, true]]
    const first = prune([[0.1, 0.5, 0.5, -1, 0.3]], all, 0.5)
    expect(first).toEqual([[false, true, true, false, true]])
    expect(prune([[9, 0.2, 0.4, 9, 0.4]], first, 0.5)).toEqual([[false, false, true, false, true]])
  })

  it('keeps one operation even if the share is 0', () => {
    expect(prune([[0.1, 0.5, 0.3]], [[true, true, true]], 0)).toEqual([[false, true, false]])
  })
})

describe('a progressive search', () => {
  const rates: number[] = []
  const stages = async (options: object) => {
    rates.length = 0
    const executor = await openExecutor({ backend: 'wasm' })
    const data = tinyData(0, 1)
    const context = {
      ...analyticContext({ protocol: tinyProtocol(nb201 as never, 10) }),
      data: async () => data,
      supernet: async (options: Partial<SupernetOptions> = {}) => {
        const supernet = await createSupernet({
          executor,
          network: nb201.supernet({
            ...{ shape: data.shape, channels: 4, depth: 1, batchNorm: { affine: false, track: true } },
            ...options,
          }),
          edges: nb201.edges,
          batchSize: 4,
          stream: random(0, 'w'),
        })
        const step: typeof supernet.step = (batch, mixing, sgd) => {
          rates.push(sgd.learningRate)
          return supernet.step(batch, mixing, sgd)
        }
        return { ...supernet, weights: supernet.weights, momentum: supernet.momentum, step }
      },
    }
    const search = await drnas.search(context, drnas.options.parse({ progressive: true, ...options }))
    const seen = []
    let before = search.relaxed?.parameters()
    for (let epoch = 0; epoch < 10; epoch++) {
      const { parameters, extra } = await search.epoch(epoch)
      seen.push({ ...extra, still: parameters === before })
      before = parameters
    }
    search.dispose()
    return seen
  }

  it('goes from K = 4 and 5 operations to K = 2 and 3 halfway, and freezes α for 40 % of each short stage', async () => {
    const seen = await stages({})
    const first = { partialChannels: 4, operations: 30 }
    const second = { partialChannels: 2, operations: 18 }
    expect(seen).toEqual(
      [first, second].flatMap((stage) => [0, 1, 2, 3, 4].map((epoch) => ({ ...stage, still: epoch < 2 }))),
    )
  })

  it('continues its learning rate through the stages, or begins each stage at the initial rate', async () => {
    const { learningRate: max, learningRateMin: min } = tinyProtocol(nb201 as never, 10).weights
    const cosine = (epoch: number) => 1 + Math.cos((Math.PI * epoch) / 10)
    const perEpoch = () => rates.filter((_, i) => i % (rates.length / 10) === 0)
    await stages({})
    for (const [epoch, rate] of perEpoch().entries()) {
      expect(rate).toBeCloseTo(min + ((max - min) * cosine(epoch)) / 2, 12)
    }
    for (const [partialChannels, begins] of [
      ['4,2', [0, 5]],
      ['4,2,1', [0, 3, 7]],
    ] as const) {
      await stages({ partialChannels, restartRate: 'true' })
      // CosineAnnealingLR's recursion, for an optimiser that is new at each stage.
      let expected = max
      for (const [epoch, rate] of perEpoch().entries()) {
        if (begins.includes(epoch as never)) expected = max
        expect(rate, `epoch ${epoch} of ${partialChannels}`).toBeCloseTo(expected, 12)
        expected = min + ((expected - min) * cosine(epoch + 1)) / cosine(epoch)
      }
    }
  })

  it('needs an epoch for each stage', async () => {
    const options = drnas.options.parse({ progressive: true, partialChannels: '8,4,2' })
    await expect(drnas.search(analyticContext({ protocol: { epochs: 2 } }), options)).rejects.toThrow(
      'drnas: 3 stages (partialChannels) need as many epochs; the protocol has 2; give it more, or fewer stages',
    )
  })

  it('has one stage per K, and keeps the share of operations that the option says', async () => {
    const seen = await stages({ partialChannels: '4,2,1', kept: 0.4, freeze: 0 })
    const of = (partialChannels: number, operations: number) => ({ partialChannels, operations, still: false })
    expect(seen).toEqual([...Array(3).fill(of(4, 30)), ...Array(4).fill(of(2, 12)), ...Array(3).fill(of(1, 6))])
  })
})

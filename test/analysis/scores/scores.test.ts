import { readFileSync } from 'node:fs'
import { sampleCorrelation } from 'simple-statistics'
import { beforeAll, describe, expect, it } from 'vitest'
import { agreements, logDeterminant } from '../../../src/analysis/scores/activations.ts'
import { scoreNamed } from '../../../src/analysis/scores/index.ts'
import { Scorer } from '../../../src/analysis/scores/input.ts'
import { sectionBetween, withoutBatchNorms } from '../../../src/analysis/scores/networks.ts'
import { rankCorrelationIntervals, rankCorrelations } from '../../../src/analysis/statistics/rankCorrelation.ts'
import { midRanks } from '../../../src/analysis/statistics/ranks.ts'
import { builtins } from '../../../src/builtins.ts'
import type { Executor } from '../../../src/core/executor.ts'
import { macCount, parameterCount } from '../../../src/core/network.ts'
import { Registry } from '../../../src/core/plugin.ts'
import { random } from '../../../src/core/random.ts'
import { degenerate } from '../../../src/core/score.ts'
import { openTfjsExecutor } from '../../../src/engine/tfjs/index.ts'
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { BATCH, batchOf, cell, named, scorerOn, single, size } from './smallScoring.ts'

const MIXED = '|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_1x1~2|'
const DISCONNECTED = '|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|nor_conv_1x1~2|'
const SKIPS = '|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|'

/** Returns the cell of NAS-Bench-201 with one operation on all edges. */
const operations = (name: string): string =>
  [[0], [0, 1], [0, 1, 2]].map((inputs) => `|${inputs.map((input) => `${name}~${input}`).join('|')}|`).join('+')

interface Reference {
  readonly arch: string
  readonly scores: Readonly<Record<string, number>>
}
const references: readonly Reference[] = JSON.parse(
  readFileSync(new URL('../../fixtures/scores/pytorch.json', import.meta.url), 'utf8'),
)

let executor: Executor
beforeAll(async () => {
  executor = await openStaticExecutor()
})

describe('scores', () => {
  it.each(references)('equal PyTorch’s on the same weights and batches of $arch', async ({ arch, scores }) => {
    const names = Object.keys(scores)
    const values = await scorerOn(executor).score(names.map(named), cell(arch))
    names.forEach((name, i) => {
      // Weights whose gradients hardly differ between the two batches decide ZiCo's last digits.
      const tolerance = name === 'zico' ? 1e-3 : 1e-4
      // `az-progressivity` is 0 where a cell leaves the entropy as it is.
      expect(Math.abs(values[i] - scores[name]) / Math.max(Math.abs(scores[name]), 1e-3), name).toBeLessThan(tolerance)
    })
  })

  it('do not depend on the executor', async () => {
    const read = ['synflow', 'snip', 'grasp', 'fisher', 'naswot', 'jacov', 'zen', 'az-trainability'].map(named)
    const values = await scorerOn(executor).score(read, cell(MIXED))
    const reference = await scorerOn(await openTfjsExecutor('wasm')).score(read, cell(MIXED))
    read.forEach(({ name }, i) => {
      expect(Math.abs(values[i] - reference[i]) / (1e-3 + Math.abs(reference[i])), name).toBeLessThan(2e-3)
    })
  })

  it('do not depend on which scores are computed beside them, and repeat for a seed', async () => {
    const all = await scorerOn(executor).score(single, cell(MIXED))
    const scorer = scorerOn(executor)
    for (const name of ['zen', 'grasp', 'naswot', 'fisher', 'zico', 'az-trainability', 'snip']) {
      const at = single.findIndex((score) => score.name === name)
      expect(await scorer.score([single[at]], cell(MIXED)), name).toEqual([all[at]])
    }
    const other = await scorerOn(executor, 4).score(single, cell(MIXED))
    const same = single.filter((_, i) => all[i] === other[i]).map(({ name }) => name)
    expect(same.filter((name) => !['linear-regions'].includes(name))).toEqual(['params', 'flops'])
  })

  it('of degenerate networks are finite, and last where the score is not defined', async () => {
    const values = await scorerOn(executor).score(single, cell(DISCONNECTED))
    const of = (name: string) => values[single.findIndex((score) => score.name === name)]
    for (const name of ['synflow', 'jacov', 'zen', 'ntk-condition', 'ntk-trace', 'ntk-fnorm']) {
      expect(of(name), name).toBe(degenerate(named(name)))
    }
    for (const name of ['snip', 'grad-norm', 'grasp', 'mgm']) expect(of(name), name).toBeCloseTo(0, 6)
    expect(values.every(Number.isFinite)).toBe(true)
    const [identity] = await scorerOn(executor).score([named('az-trainability')], cell(SKIPS))
    expect(identity).toBe(degenerate(named('az-trainability')))
  })

  it('have a defined value where all operations are none, and where all are skip connections', async () => {
    const none = await scorerOn(executor).score(single, cell(operations('none')))
    const last = single.filter((score, i) => none[i] === degenerate(score)).map(({ name }) => name)
    expect(last.sort()).toEqual(
      [
        ...['synflow', 'naswot', 'jacov', 'zen', 'ntk-condition', 'ntk-trace', 'ntk-fnorm'],
        ...['az-expressivity', 'az-progressivity', 'az-trainability'],
      ].sort(),
    )
    const skip = await scorerOn(executor).score(single, cell(operations('skip_connect')))
    expect([...none, ...skip].every(Number.isFinite)).toBe(true)
    expect(single.filter((score, i) => skip[i] === degenerate(score))).toEqual([])
  })

  it('rank networks whose initial weights are not finite last', async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const build = (of: typeof size) => {
        const network = cell(MIXED)(of)
        const parameters = network.parameters.map((parameter, i) =>
          i === 0 ? { ...parameter, initialiser: { kind: 'constant', value } as const } : parameter,
        )
        return { ...network, parameters }
      }
      const values = await scorerOn(executor).score(single, build)
      const other = single.filter((score, i) => values[i] !== degenerate(score)).map(({ name }) => name)
      expect(other, String(value)).toEqual(['params', 'flops'])
    }
  })

  it('are defined for a batch of one image, and for labels of one class', async () => {
    const one = { ...batchOf(0), images: batchOf(0).images.slice(0, 8 * 8 * 3), labels: new Int32Array(1), size: 1 }
    const alike = { ...batchOf(0), labels: new Int32Array(BATCH) }
    for (const batch of [one, alike]) {
      const site = { executor, size, batchSize: batch.size, initialisation: 'uniform', seed: 3 } as const
      const able = single.filter(({ smallestBatch = 1 }) => batch.size >= smallestBatch)
      const values = await new Scorer({ ...site, batch: () => batch }).score(able, cell(MIXED))
      expect(able.filter((score, i) => values[i] === degenerate(score))).toEqual([])
    }
  })

  it('zen is refused without batch norms, and where they keep no running statistics', async () => {
    const without = (of: typeof size) => withoutBatchNorms(cell(MIXED)(of))
    await expect(scorerOn(executor).score([named('zen')], without)).rejects.toThrow('needs batch norms')
    const batchOnly = (of: typeof size) => {
      const network = cell(MIXED)(of)
      const layers = network.layers.map((layer) =>
        layer.kind === 'batchNorm' ? { ...layer, statistics: null } : layer,
      )
      return { ...network, layers, statistics: [] }
    }
    await expect(scorerOn(executor).score([named('zen')], batchOnly)).rejects.toThrow('keep running statistics')
  })

  it('params and flops count operations that do not reach the output, as the published tables', async () => {
    const build = cell(DISCONNECTED)
    const values = await scorerOn(executor).score([named('params'), named('flops')], build)
    expect(values).toEqual([parameterCount(build(size)), macCount(build(size))])
  })

  it('of the DARTS space are defined, too', async () => {
    const build = (of: typeof size) => darts.network(darts.parse('PCDARTS'), { ...of, depth: 3 })
    const values = await scorerOn(executor).score(
      ['naswot', 'synflow', 'fisher', 'az-expressivity', 'az-trainability'].map(named),
      build,
    )
    expect(values.every((value) => Number.isFinite(value) && Math.abs(value) < 1e7)).toBe(true)
  })
})

describe('parts of scores', () => {
  it('log |K| is that of the product of a triangular matrix with its transpose', () => {
    const factor = [
      [2, 0, 0],
      [1, 3, 0],
      [-1, 0.5, 0.25],
    ]
    const product = factor.map((a) => factor.map((b) => a.reduce((sum, value, i) => sum + value * b[i], 0)))
    expect(logDeterminant(product)).toBeCloseTo(2 * Math.log(2 * 3 * 0.25), 12)
    expect(
      logDeterminant([
        [1, 1],
        [1, 1],
      ]),
    ).toBe(Number.NEGATIVE_INFINITY)
  })

  it.each([1, 6, 8, 13, 32])('the kernel of naswot counts how often two of %i samples agree', (samples) => {
    const stream = random(1, 'agreements')
    const special = [Number.NaN, -Number.NaN, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-45]
    const inputs = [
      { units: 40, times: 1 },
      { units: 11, times: 3 },
    ].map(({ units, times }) => ({
      value: Float32Array.from({ length: samples * units }, (_, i) => special[i % 17] ?? stream.normal()),
      times,
    }))
    const kernel = agreements(inputs, samples)
    for (let a = 0; a < samples; a++) {
      for (let b = 0; b < samples; b++) {
        const expected = inputs.reduce((sum, { value, times }) => {
          const units = value.length / samples
          const active = (sample: number, unit: number) => value[sample * units + unit] > 0
          const same = Array.from({ length: units }, (_, unit) => active(a, unit) === active(b, unit))
          return sum + times * same.filter(Boolean).length
        }, 0)
        expect(kernel[a][b]).toBe(expected)
      }
    }
  })

  it('a cell as a network of its own computes what it computes in the whole network', async () => {
    const whole = cell(MIXED)(size)
    const [, from, to] = whole.cells ?? []
    const section = sectionBetween(whole, from, to)
    expect(section?.network.values[0]).toEqual(whole.values[from])
    expect(sectionBetween(whole, whole.layers[1].output, whole.heads[0].logits)).toBeDefined()
    // The output of an operation inside of a cell is no cut: others go around it.
    const inside = whole.layers.find(({ kind }, i) => kind === 'batchNorm' && i > 4)?.output ?? 0
    expect(sectionBetween(whole, inside, to)).toBeUndefined()
  })

  it('sums of ranks name known scores, each once', () => {
    const registry = new Registry().register(builtins)
    expect(scoreNamed(registry, 'synflow+naswot')).toMatchObject({ parts: ['synflow', 'naswot'] })
    expect(() => scoreNamed(registry, 'synflow+synflow')).toThrow('named twice')
    expect(() => scoreNamed(registry, 'synflow+az-nas')).toThrow('az-nas combines ranks itself')
    expect(() => scoreNamed(registry, 'synflw')).toThrow('did you mean "synflow"')
  })
})

describe('rank correlations in O(n log n)', () => {
  const stream = random(0, 'ranks')
  const draw = (n: number, levels: number) => Array.from({ length: n }, () => stream.integer(levels))

  /** Kendall's τ-b by all pairs of samples. */
  function kendallByPairs(x: readonly number[], y: readonly number[]): number {
    let [balance, untiedX, untiedY] = [0, 0, 0]
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < i; j++) {
        const [dx, dy] = [Math.sign(x[i] - x[j]), Math.sign(y[i] - y[j])]
        balance += dx * dy
        untiedX += dx * dx
        untiedY += dy * dy
      }
    }
    return balance / Math.sqrt(untiedX * untiedY)
  }

  it('equal those by all pairs, with and without ties', () => {
    for (const [n, levels] of [
      [30, 4],
      [50, 1000],
      [200, 20],
    ]) {
      const [x, y] = [draw(n, levels), draw(n, levels)]
      const fast = rankCorrelations(x, y)
      expect(fast.spearman).toBeCloseTo(sampleCorrelation(midRanks(x), midRanks(y)), 12)
      expect(fast.kendall).toBeCloseTo(kendallByPairs(x, y), 12)
    }
  })

  it('have intervals that hold the correlation, and narrow with the sample', () => {
    const widths = [40, 400].map((n) => {
      const x = draw(n, 100)
      const y = x.map((value) => value + stream.integer(100))
      const found = rankCorrelationIntervals(x, y, random(1, 'bootstrap'), { draws: 200 })
      const { low, high } = found.spearmanInterval ?? { low: 1, high: -1 }
      expect(low).toBeLessThan(found.spearman as number)
      expect(high).toBeGreaterThan(found.spearman as number)
      return high - low
    })
    expect(widths[1]).toBeLessThan(widths[0] / 2)
    expect(rankCorrelationIntervals([1, 1], [1, 2], random(1, 'b')).spearman).toBeUndefined()
  })
})

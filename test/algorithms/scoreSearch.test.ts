import { describe, expect, it } from 'vitest'
import { builtinAlgorithms } from '../../src/algorithms/index.ts'
import { rankSums, SECONDS_PER_SCORE } from '../../src/analysis/scores/rating.ts'
import type { Algorithm, PlannedSearch, SearchContext } from '../../src/core/algorithm.ts'
import type { Oracle } from '../../src/core/evaluation.ts'
import { macCount, parameterCount } from '../../src/core/network.ts'
import { random } from '../../src/core/random.ts'
import { type Genotype, sample } from '../../src/core/space.ts'
import { SimulatedOracle } from '../../src/runner/run/oracle.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { full } from '../support/full.ts'
import { analyticContext, analyticProtocol } from './analyticSupernet.ts'

const [fullSize] = Object.values(nb201.evaluations ?? {})
const paramsOf = (text: string) => parameterCount(nb201.network(nb201.parse(text), fullSize))

/** Runs a search of NAS-Bench-201 whose oracle prefers few parameters, and returns what it asked for and answered. */
async function run(
  name: string,
  options: Readonly<Record<string, unknown>>,
  { seed = 0, budgetSeconds = 1e6, random: stream = analyticContext({ seed }).random } = {},
) {
  const algorithm = (builtinAlgorithms as unknown as Record<string, Algorithm>)[name]
  const asked: string[] = []
  let [usedSeconds, charged] = [0, 0]
  const oracle: Oracle = {
    budgetSeconds,
    get usedSeconds() {
      return usedSeconds
    },
    charge(seconds) {
      if (usedSeconds + seconds > budgetSeconds + 1e-9) return false
      usedSeconds += seconds
      charged += seconds
      return true
    },
    async query(genotype: Genotype) {
      if (usedSeconds + 100 > budgetSeconds) return undefined
      usedSeconds += 100
      const text = nb201.format(genotype as Parameters<typeof nb201.format>[0])
      asked.push(text)
      return { accuracyPct: 100 - paramsOf(text) / 1e5, seconds: 100 }
    },
  }
  const protocol = {
    ...analyticProtocol,
    network: { channels: 4, depth: 1, affine: false, track: false },
    data: { ...analyticProtocol.data, imageSize: 8 },
  }
  const context = { space: nb201, protocol, seed, oracle, random: stream } as unknown as SearchContext
  const search = await algorithm.search(context, algorithm.options.parse(options))
  const report = await search.epoch(0)
  const answer = nb201.format(search.genotype() as Parameters<typeof nb201.format>[0])
  return { asked, answer, report, charged, search }
}

const drawn = (seed: number, count: number) => {
  const stream = random(seed, 'sample')
  return Array.from({ length: count }, () => nb201.format(sample(nb201, stream)))
}

describe('score-search', () => {
  it('answers with the best of its random architectures by the score, and asks for no accuracy', async () => {
    const { answer, asked, report, charged } = await run('score-search', { score: 'params', networks: 50 })
    expect(paramsOf(answer)).toBe(Math.max(...drawn(0, 50).map(paramsOf)))
    expect(asked).toEqual([])
    expect(charged).toBeCloseTo(50 * SECONDS_PER_SCORE, 9)
    expect(report.extra).toMatchObject({ scored: 50 })
  })

  it('verifies the best by their accuracies, best score first, and answers with the best accuracy', async () => {
    const { answer, asked } = await run('score-search', { score: 'params', networks: 50, verify: 5 })
    const byParams = drawn(0, 50).sort((a, b) => paramsOf(b) - paramsOf(a))
    expect(asked.map(paramsOf)).toEqual(byParams.slice(0, 5).map(paramsOf))
    expect(paramsOf(answer)).toBe(Math.min(...asked.map(paramsOf)))
  })

  it('ends when the simulated clock has no time left for another network', async () => {
    const { report } = await run('score-search', { score: 'params+flops' }, { budgetSeconds: 7 * SECONDS_PER_SCORE })
    expect(report.extra).toMatchObject({ scored: 3 })
    await expect(run('score-search', {}, { budgetSeconds: 0.1 })).rejects.toThrow('does not pay for scoring a network')
  })

  it('sums ranks, and turns scores around of which lower ones are better', async () => {
    expect(
      rankSums([
        [1, 30],
        [2, 10],
        [3, 20],
      ]),
    ).toEqual([4, 3, 5])
    const { answer } = await run('score-search', { score: 'ntk-condition', networks: 4 })
    expect(drawn(0, 4)).toContain(answer)
  })

  it('refuses scores that read labels, unknown ones, and more to verify than to score', () => {
    const { options, check } = builtinAlgorithms['score-search']
    expect(() => options.parse({ score: 'snip' })).toThrow('snip reads labels')
    expect(() => options.parse({ score: 'naswt' })).toThrow('did you mean')
    const planned = { fidelities: () => [12] } as unknown as PlannedSearch
    expect(() => check?.(planned, options.parse({ networks: 3, verify: 4 }))).toThrow('verify=4 of networks=3')
  })
})

describe('zen-nas', () => {
  it('stays within its limits and reaches the largest score that they allow', async () => {
    const limits = { maxParams: 0.6, maxFlops: 80 }
    const options = { score: 'params', networks: 120, population: 8, ...limits }
    const { answer, report } = await run('zen-nas', options)
    const network = nb201.network(nb201.parse(answer), fullSize)
    expect(parameterCount(network)).toBeLessThanOrEqual(0.6e6)
    expect(macCount(network)).toBeLessThanOrEqual(80e6)
    // A cell with two 3×3 convolutions and no other has 559,386 parameters, and one more convolution exceeds a limit.
    expect(parameterCount(network)).toBeGreaterThan(0.55e6)
    expect(report.extra).toMatchObject({ scored: 120 })
  })

  it.runIf(full)('says so where no architecture is within the limits, with the smallest sizes', async () => {
    await expect(run('zen-nas', { maxParams: 0.01, maxFlops: 500 })).rejects.toThrow(
      // The smallest cell has no convolution: the stem, two residual blocks and the classifier.
      /none has maxParams=0.01 and maxFlops=500; the smallest have 0.073\d? million parameters and 7.78 million multiply/,
    )
  })
})

describe('te-nas', () => {
  it('prunes every edge to one operation other than none, and pays for each measurement', async () => {
    const { answer, report, charged } = await run('te-nas', { batch: 3, images: 40 })
    expect(answer).not.toContain('none')
    // Rounds with four, three and two operations on six edges, and the whole supernet in each.
    expect(report.extra).toMatchObject({ scored: 2 * (24 + 18 + 12 + 3) })
    expect(charged).toBeCloseTo(2 * (24 + 18 + 12 + 3) * SECONDS_PER_SCORE, 9)
  })
})

describe('knas', () => {
  it('answers with the best accuracy among those with the largest kernels', async () => {
    const { answer, asked } = await run('knas', { networks: 12, verify: 4 })
    expect(asked).toHaveLength(4)
    expect(paramsOf(answer)).toBe(Math.min(...asked.map(paramsOf)))
  })
})

describe('rea with a start by score', () => {
  it('begins with the best random architectures by the score, and otherwise is the same search', async () => {
    const options = { population: 4, evaluations: 8, start: 'score', startScore: 'params', startNetworks: 30 }
    const { asked, charged } = await run('rea', options)
    const stream = random(0, 'start')
    const best = Array.from({ length: 30 }, () => nb201.format(sample(nb201, stream)))
      .map(paramsOf)
      .sort((a, b) => b - a)
    expect(asked.slice(0, 4).map(paramsOf)).toEqual(best.slice(0, 4))
    expect(charged).toBeCloseTo(30 * SECONDS_PER_SCORE, 9)
    const usual = await run('rea', { population: 4, evaluations: 8 })
    expect(await run('rea', { population: 4, evaluations: 8, start: 'random' })).toMatchObject({ asked: usual.asked })
  })

  it('refuses options of a start that is not asked for, and a start that is too small', () => {
    const { check, options } = builtinAlgorithms.rea
    const planned = { fidelities: () => [12] } as unknown as PlannedSearch
    expect(() => check?.(planned, options.parse({ startScore: 'zen' }))).toThrow('add start=score')
    expect(() => check?.(planned, options.parse({ startNetworks: 50 }))).toThrow('add start=score')
    expect(() => check?.(planned, options.parse({ start: 'score', startNetworks: 5 }))).toThrow('for 10 individuals')
  })
})

describe('the simulated clock', () => {
  it('adds what is charged to the next query, and refuses both beyond the budget', async () => {
    const evaluator = { validate: async () => ({ accuracyPct: 50, seconds: 10 }) }
    const oracle = new SimulatedOracle(evaluator as never, nb201 as never, 25)
    expect(oracle.charge(4)).toBe(true)
    expect(oracle.usedSeconds).toBe(4)
    const genotype = sample(nb201, random(0, 'any'))
    await oracle.query(genotype)
    expect(oracle.usedSeconds).toBe(14)
    expect(oracle.queries.at(-1)?.usedSeconds).toBe(14)
    expect(oracle.charge(12)).toBe(false)
    expect(oracle.charge(2)).toBe(true)
    expect(await oracle.query(genotype)).toBeUndefined()
    expect(oracle.usedSeconds).toBe(16)
  })

  it('fails where its kernel is not finite, instead of ranking by it', async () => {
    // Images of about 1e38: their convolutions overflow, and batch normalisation makes NaN of infinity.
    const { random: usual } = analyticContext()
    const overflowing: SearchContext['random'] = (...names) => {
      const stream = usual(...names)
      const normal = stream.normal.bind(stream)
      if (names[0] === 'images') stream.normal = () => 1e38 * normal()
      return stream
    }
    await expect(run('te-nas', { batch: 3, images: 40 }, { random: overflowing })).rejects.toThrow(
      'the trace of the neural tangent kernel is NaN, not a finite number',
    )
  })
})

describe('searches by training-free scores', () => {
  it.each([
    ['score-search', { score: 'synflow', networks: 4 }],
    ['knas', { networks: 4, verify: 1 }],
    ['zen-nas', { score: 'params', networks: 4, population: 2 }],
    ['te-nas', { batch: 3, images: 10 }],
    ['rea', { start: 'score', startScore: 'params', startNetworks: 4, population: 2, tournament: 1, evaluations: 3 }],
  ])(
    'let the event loop turn at each network, so that a worker hears that its command ended: %s',
    async (name, options) => {
      let [turns, isRunning] = [0, true]
      const turn = () => {
        turns++
        if (isRunning) setImmediate(turn)
      }
      setImmediate(turn)
      const { charged } = await run(name, options)
      isRunning = false
      expect(turns).toBeGreaterThanOrEqual(Math.min(4, Math.round(charged / SECONDS_PER_SCORE)))
    },
  )
})

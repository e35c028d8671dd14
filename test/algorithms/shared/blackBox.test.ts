import { describe, expect, it } from 'vitest'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { averaged, emptyAverage, policyGradient } from '../../../src/algorithms/reinforce.ts'
import type { Algorithm } from '../../../src/core/algorithm.ts'
import { positivePower } from '../../../src/core/numbers.ts'
import { type Genotype, sample } from '../../../src/core/space.ts'
import { analyticContext } from '../analyticSupernet.ts'

/** Searches that rate untrained networks ask the oracle little or never; `scoreSearch.test.ts` tests them. */
const RATING_NETWORKS = ['score-search', 'knas', 'zen-nas', 'te-nas']

const searches = Object.values(builtinAlgorithms as Record<string, Algorithm>).filter(
  ({ kind, name }) => kind === 'black-box' && !RATING_NETWORKS.includes(name),
)

/** All that an algorithm asked for within a budget of `evaluations`, and its answer. */
async function run(algorithm: Algorithm, evaluations: number, seed = 0, options: object = {}) {
  const context = analyticContext({ budgetSeconds: 100 * evaluations, seed })
  const asked: string[] = []
  const query = context.oracle.query.bind(context.oracle)
  const oracle = {
    budgetSeconds: context.oracle.budgetSeconds,
    get usedSeconds() {
      return context.oracle.usedSeconds
    },
    charge: () => true,
    query: async (genotype: Parameters<typeof query>[0]) => {
      const reply = await query(genotype)
      if (reply !== undefined) asked.push(context.space.format(genotype))
      return reply
    },
  }
  const search = await algorithm.search({ ...context, oracle }, algorithm.options.parse(options))
  const report = await search.epoch(0)
  return { asked, search, report, answer: context.space.format(search.genotype()), space: context.space }
}

const changes = (a: readonly number[], b: readonly number[]) => a.filter((value, i) => value !== b[i]).length

describe.each(searches)('$name', (algorithm) => {
  it('stays within the budget and answers with an architecture that it evaluated', async () => {
    const { asked, answer, report } = await run(algorithm, 60)
    expect(asked).toHaveLength(60)
    expect(asked).toContain(answer)
    expect(report.extra).toEqual({ evaluations: 60, budgetLeftSeconds: 0 })
  })

  it('gives the same answer after it was saved and restored', async () => {
    const { search, answer } = await run(algorithm, 20)
    const again = await algorithm.search(analyticContext(), algorithm.options.parse({}))
    await again.restore(structuredClone(await search.save()))
    expect(analyticContext().space.format(again.genotype())).toBe(answer)
  })
})

/** What an algorithm asked for: the mean of the first and of the last 50. */
async function progress(algorithm: Algorithm, evaluations: number) {
  const { asked, space } = await run(algorithm, evaluations)
  const values = asked.map((text) => space.encoding.encode(space.parse(text)).reduce((sum, value) => sum + value, 0))
  const mean = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0) / some.length
  return { first: mean(values.slice(0, 50)), last: mean(values.slice(-50)) }
}

describe.each([
  ['rea', 200],
  ['bohb', 200],
  ['reinforce', 2000],
] as const)('%s', (name, evaluations) => {
  it('evaluates better and better architectures if decisions contribute independently', async () => {
    const { first, last } = await progress(builtinAlgorithms[name] as Algorithm, evaluations)
    expect(last).toBeGreaterThan(first + 4)
  })
})

describe('regularised evolution', () => {
  it('starts at random, then changes one decision of a living individual', async () => {
    const { asked, space } = await run(builtinAlgorithms.rea as Algorithm, 40)
    const decisions = asked.map((text) => space.encoding.encode(space.parse(text)))
    for (let born = 10; born < 40; born++) {
      const alive = decisions.slice(born - 10, born)
      expect(alive.some((parent) => changes(parent, decisions[born]) === 1)).toBe(true)
    }
  })
})

describe('local search', () => {
  it('evaluates no architecture twice and ends in a local optimum', async () => {
    const { asked, answer, space } = await run(builtinAlgorithms['local-search'] as Algorithm, 200)
    expect(new Set(asked).size).toBe(asked.length)
    // The oracle adds the decisions up, so the only optimum is the last value everywhere.
    expect(space.encoding.encode(space.parse(answer))).toEqual([4, 4, 4, 4, 4, 4])
  })

  it('ends once it has evaluated every architecture of the space', async () => {
    const context = analyticContext({ budgetSeconds: 6000 })
    const { encoding } = context.space
    let decoded = 0
    const decode = (decisions: readonly number[]) => {
      if (++decoded > 10_000) throw new Error('it goes on although it knows all architectures')
      return encoding.decode([...decisions, 0, 0, 0, 0])
    }
    const encode = (genotype: Genotype) => encoding.encode(genotype).slice(0, 2)
    const space = { ...context.space, encoding: { cardinalities: [2, 3], encode, decode } }
    const search = await (builtinAlgorithms['local-search'] as Algorithm).search({ ...context, space }, {})
    const { extra } = await search.epoch(0)
    expect(extra).toEqual({ evaluations: 6, budgetLeftSeconds: 5400 })
    expect(encode(search.genotype())).toEqual([1, 2])
  })
})

/**
 * The architectures that BOHB (Falkner et al. 2018, eq. 2-4, with the kernels of statsmodels for unordered decisions)
 * evaluates, written down once more and plainly.
 */
async function bohbByHand(evaluations: number, candidates: number, leastBandwidth: number) {
  const { space, oracle, random } = analyticContext({ budgetSeconds: 100 * evaluations })
  const { cardinalities, encode, decode } = space.encoding
  const stream = random('bohb')
  const seen: { decisions: readonly number[]; accuracyPct: number }[] = []
  const densityOf = (centres: readonly (readonly number[])[]) => {
    const n = centres.length
    const bandwidths = cardinalities.map((c, at) => {
      const meanOf = (f: (value: number) => number) => centres.reduce((sum, centre) => sum + f(centre[at]), 0) / n
      const deviation = Math.sqrt(Math.max(0, meanOf((v) => v * v) - meanOf((v) => v) * meanOf((v) => v)))
      const rule = 1.06 * positivePower(n, -1 / (4 + cardinalities.length)) * deviation
      return Math.min(1 - 1 / c, Math.max(leastBandwidth, rule))
    })
    const kernel = (at: number, isEqual: boolean) =>
      isEqual ? 1 - bandwidths[at] : bandwidths[at] / (cardinalities[at] - 1)
    const at = (decisions: readonly number[]) =>
      centres.reduce((sum, centre) => sum + decisions.reduce((p, v, i) => p * kernel(i, v === centre[i]), 1), 0) / n
    return { bandwidths, at }
  }
  const asked: string[] = []
  while (asked.length < evaluations) {
    let genotype = undefined as Genotype | undefined
    stream.uniform()
    if (seen.length < cardinalities.length + 3) genotype = sample(space, stream)
    else {
      const ordered = seen.toSorted((a, b) => b.accuracyPct - a.accuracyPct).map(({ decisions }) => decisions)
      const share = Math.floor(0.15 * ordered.length)
      const goodCentres = ordered.slice(0, Math.max(cardinalities.length + 1, share))
      const good = densityOf(goodCentres)
      const bad = densityOf(ordered.slice(-Math.max(cardinalities.length + 1, ordered.length - share)))
      let best = -1
      for (let i = 0; i < candidates; i++) {
        const decisions = stream
          .choice(goodCentres)
          .map((v, at) => (stream.uniform() < 1 - good.bandwidths[at] ? v : stream.integer(cardinalities[at])))
        const ratio = good.at(decisions) / bad.at(decisions)
        if (ratio > best) [best, genotype] = [ratio, decode(decisions)]
      }
    }
    const answer = genotype && (await oracle.query(genotype))
    if (genotype === undefined || answer === undefined) break
    seen.push({ decisions: encode(genotype), accuracyPct: answer.accuracyPct })
    asked.push(space.format(genotype))
  }
  return asked
}

describe('BOHB', () => {
  it.each([
    { candidates: 4, minBandwidth: 0.3 },
    { candidates: 16, minBandwidth: 0.001 },
  ])('evaluates what its equations propose, with %j', async ({ candidates, minBandwidth }) => {
    const { asked } = await run(builtinAlgorithms.bohb as Algorithm, 120, 0, { candidates, minBandwidth })
    expect(asked).toEqual(await bohbByHand(120, candidates, minBandwidth))
  })
})

describe('REINFORCE', () => {
  it('has the gradient of −advantage · log π', () => {
    expect(policyGradient([[0.2, 0.5, 0.3]], [1], 2)).toEqual([[0.4, -1, 0.6]])
  })

  it('compares the first reward with itself', () => {
    const { sum, weight } = averaged(emptyAverage, 70, 0.9)
    expect(sum / weight).toBeCloseTo(70, 12)
  })
})

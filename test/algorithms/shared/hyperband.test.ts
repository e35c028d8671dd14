import { describe, expect, it } from 'vitest'
import { bohb } from '../../../src/algorithms/bohb.ts'
import { brackets, rungsOf } from '../../../src/algorithms/shared/hyperband.ts'
import type { Genotype } from '../../../src/core/space.ts'
import { analyticContext } from '../analyticSupernet.ts'

const first = <T>(items: Iterable<T>, count: number): T[] => {
  const taken: T[] = []
  for (const item of items) {
    taken.push(item)
    if (taken.length === count) break
  }
  return taken
}

describe('Hyperband', () => {
  it('begins its brackets with as many architectures as the paper (table 1: R = 81, η = 3)', () => {
    const found = first(brackets([1, 3, 9, 27, 81], 3), 6)
    expect(found.map(({ begin }) => begin)).toEqual([81, 34, 15, 8, 5, 81])
    expect(found.map(({ rungs }) => rungs[0])).toEqual([1, 3, 9, 27, 81, 1])
  })

  it('has rungs at 1, 4 and 12 epochs if training lengths go up to 12', () => {
    const twelve = Array.from({ length: 12 }, (_, i) => i + 1)
    expect(rungsOf(twelve, 3, 1, 12)).toEqual([1, 4, 12])
    expect(rungsOf(twelve, 3, 3, 12)).toEqual([4, 12])
  })

  it('takes the longest training length below the one that η gives if there are few lengths', () => {
    expect(rungsOf([12, 200], 3, 1, 200)).toEqual([12, 200])
    expect(rungsOf([12, 200], 3, 1, 100)).toEqual([12])
    expect(rungsOf([], 3, 1, 100)).toEqual([])
  })
})

/**
 * What BOHB asked for, where an architecture is the sum of its decisions and is seen the better the longer it trains.
 */
async function run(budgetSeconds: number, options: object, seed = 0) {
  const context = analyticContext({ seed })
  const { space } = context
  const asked: { text: string; epochs: number | undefined; accuracyPct: number }[] = []
  let usedSeconds = 0
  const oracle = {
    budgetSeconds,
    get usedSeconds() {
      return usedSeconds
    },
    fidelities: Array.from({ length: 12 }, (_, i) => i + 1),
    charge: () => true,
    async query(genotype: Genotype, epochs?: number) {
      const seconds = epochs ?? 12
      if (usedSeconds + seconds > budgetSeconds) return undefined
      usedSeconds += seconds
      const sum = space.encoding.encode(genotype).reduce((total, value) => total + value, 0)
      const accuracyPct = sum * (seconds / 12)
      asked.push({ text: space.format(genotype), epochs, accuracyPct })
      return { accuracyPct, seconds }
    },
  }
  const search = await bohb.search({ ...context, oracle }, bohb.options.parse(options))
  await search.epoch(0)
  return { asked, answer: space.format(search.genotype()) }
}

describe('BOHB with brackets', () => {
  it('trains nine architectures for one epoch, the best three for four, and the best for twelve', async () => {
    const { asked } = await run(40, { eta: 3 })
    expect(asked.map(({ epochs }) => epochs)).toEqual([...Array(9).fill(1), 4, 4, 4, 12, 4])
    const best = asked.slice(0, 9).sort((a, b) => b.accuracyPct - a.accuracyPct)
    expect(asked.slice(9, 12).map(({ accuracyPct }) => accuracyPct)).toEqual(
      best.slice(0, 3).map((a) => 4 * a.accuracyPct),
    )
    expect(asked[12].text).toBe(asked[9].text)
  })

  it('answers with the best of the full trainings, not with the best accuracy of any length', async () => {
    const { asked, answer } = await run(400, { eta: 3 })
    const whole = asked.filter(({ epochs }) => epochs === 12).sort((a, b) => b.accuracyPct - a.accuracyPct)
    expect(answer).toBe(whole[0].text)
  })

  it('proposes better and better architectures', async () => {
    const { asked } = await run(3000, { eta: 3 })
    const begun = asked.filter(({ epochs }) => epochs === 1).map(({ accuracyPct }) => 12 * accuracyPct)
    const mean = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0) / some.length
    expect(mean(begun.slice(-50))).toBeGreaterThan(mean(begun.slice(0, 50)) + 4)
  })

  it('needs a table with trainings of several lengths', async () => {
    await expect(run(100, { eta: 3, minEpochs: 12 })).rejects.toThrow(
      'bohb with eta=3 needs trainings of several lengths',
    )
  })
})

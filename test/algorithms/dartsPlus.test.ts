import { describe, expect, it } from 'vitest'
import { builtinAlgorithms } from '../../src/algorithms/index.ts'
import type { Algorithm, EpochReport } from '../../src/core/algorithm.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext } from './analyticSupernet.ts'

const dartsPlus = builtinAlgorithms['darts-plus'] as Algorithm
const EPOCHS = 12

/** Runs DARTS+ on the analytic network, until it ends. */
async function run(given: object, seed = 0) {
  const protocol = { epochs: EPOCHS, architecture: { ...analyticContext().protocol.architecture, learningRate: 0.02 } }
  const context = analyticContext({ seed, protocol })
  const search = await dartsPlus.search(context, dartsPlus.options.parse({ from: 0, ...given }))
  const reports: EpochReport[] = []
  while (reports.length < search.epochs && search.ended === undefined) reports.push(await search.epoch(reports.length))
  return { reports, ended: search.ended, answer: nb201.format(search.genotype() as never) }
}

describe('DARTS+', () => {
  it.each([
    { skips: 1, stable: 1, first: 'ranks' },
    { skips: 1, stable: 6, first: 'skips' },
    { skips: 6, stable: 6, first: 'ranks' },
  ])('ends with rule=either where $first ends it alone: skips=$skips stable=$stable', async (given) => {
    const { skips, stable, first } = given
    const alone = { skips: await run({ rule: 'skips', skips }), ranks: await run({ rule: 'ranks', stable }) }
    const either = await run({ rule: 'either', skips, stable })
    const [sooner, later] = first === 'skips' ? [alone.skips, alone.ranks] : [alone.ranks, alone.skips]
    expect(sooner.reports.length).toBeLessThan(later.reports.length)
    expect(either.reports).toHaveLength(sooner.reports.length)
    expect([either.answer, either.ended]).toEqual([sooner.answer, sooner.ended])
  })

  it('with select=perturbation selects the architecture when its rule has ended the search', async () => {
    const own = { rule: 'ranks', stable: 3 }
    const [alone, selected] = [await run(own), await run({ ...own, select: 'perturbation', selectTune: 2 })]
    const stop = alone.reports.length
    expect(selected.reports).toHaveLength(stop + 2 * 5)
    expect(selected.reports.at(-1)?.extra?.decisions).toBe(6)
    expect(selected.reports[stop - 1].parameters).toEqual(alone.reports[stop - 1].parameters)
    expect(selected.ended).toBe(`${alone.ended}; then the architecture was selected by perturbation`)
  })

  it('has a limit on skip connections as other searches, and no second stopping rule', async () => {
    const limited = await run({ rule: 'skips', skips: 1, mostSkips: 0 })
    expect([limited.reports.length, limited.answer.includes('skip_connect')]).toEqual([3, false])
    expect((await run({ rule: 'skips', skips: 1 })).answer).toContain('skip_connect')
    expect(() => dartsPlus.options.parse({ earlyStop: 'ranks' })).toThrow('earlyStop')
  })
})

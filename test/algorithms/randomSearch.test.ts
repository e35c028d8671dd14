import { describe, expect, it } from 'vitest'
import { randomSearch } from '../../src/algorithms/randomSearch.ts'
import { sample } from '../../src/core/space.ts'
import { analyticContext } from './analyticSupernet.ts'

const run = async (context: ReturnType<typeof analyticContext>, options = {}) => {
  const search = await randomSearch.search(context, randomSearch.options.parse(options))
  return { search, report: await search.epoch(0) }
}

describe('random search', () => {
  it('stops before the evaluation that would exceed the budget, and records the remaining seconds', async () => {
    const context = analyticContext({ budgetSeconds: 1050 })
    const { report } = await run(context)
    expect(report.extra).toEqual({ evaluations: 10, budgetLeftSeconds: 50 })
    expect(context.oracle.usedSeconds).toBe(1000)
  })

  it('makes 100 evaluations without a budget, or as many as the option says', async () => {
    expect((await run(analyticContext())).report.extra).toEqual({ evaluations: 100 })
    expect((await run(analyticContext(), { evaluations: '7' })).report.extra).toEqual({ evaluations: 7 })
  })

  it('answers with the best architecture that it evaluated', async () => {
    const context = analyticContext()
    const { search, report } = await run(context)
    const stream = context.random('sample')
    const totals = Array.from({ length: 100 }, () =>
      context.space.encoding.encode(sample(context.space, stream)).reduce((sum, value) => sum + value, 0),
    )
    expect(report.validAccuracyPct).toBe(Math.max(...totals))
    expect((await context.oracle.query(search.genotype()))?.accuracyPct).toBe(Math.max(...totals))
  })

  it('asks for no accuracy with evaluations=1', async () => {
    const context = analyticContext()
    const { search } = await run(context, { evaluations: 1 })
    expect(context.oracle.usedSeconds).toBe(0)
    expect(search.genotype()).toEqual(sample(context.space, context.random('sample')))
  })

  it('refuses a budget that is too small for a single evaluation', async () => {
    await expect(run(analyticContext({ budgetSeconds: 50 }))).rejects.toThrow(
      'a budget of 50 s does not pay for a single evaluation; raise the budget',
    )
  })
})

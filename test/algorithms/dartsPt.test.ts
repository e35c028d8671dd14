import { describe, expect, it } from 'vitest'
import { dartsPt } from '../../src/algorithms/dartsPt.ts'
import type { EpochReport } from '../../src/core/algorithm.ts'
import { analyticContext } from './analyticSupernet.ts'

/** Runs DARTS-PT on the analytic network. → reports, and the calls and mixing weights of the search's own epochs */
async function run(given: object) {
  const context = analyticContext()
  const search = await dartsPt.search(context, dartsPt.options.parse({ tune: 1, ...given }))
  const reports: EpochReport[] = []
  let own = 0
  for (let epoch = 0; epoch < search.epochs; epoch++) {
    if (epoch === context.protocol.epochs) own = context.networks[0].calls.length
    reports.push(await search.epoch(epoch))
  }
  const { calls, mixings } = context.networks[0]
  return { search, reports, calls, mixings, own }
}

const fixed = run({ alpha: 'fixed' })

describe('DARTS-PT with fixed α', () => {
  it('keeps every mixing weight at one fifth and takes weight steps alone, until the first edge is decided', async () => {
    const { calls, mixings, own } = await fixed
    expect(own).toBe(20)
    expect(new Set(calls.slice(0, own))).toEqual(new Set(['step weights']))
    const weights = mixings.slice(0, own).flatMap(({ theta }) => theta.flat())
    expect(weights).toEqual(weights.map(() => expect.closeTo(1 / 5, 15)))
  })

  it('learns no α while it tunes, either: undecided edges keep their fifths', async () => {
    const { reports, calls, mixings, own } = await fixed
    for (const { parameters = [[Number.NaN]] } of reports) expect(new Set(parameters.flat())).toEqual(new Set([0]))
    expect(new Set(calls)).toEqual(new Set(['step weights']))
    const rows = mixings.slice(own).flatMap(({ theta }) => theta.map((row) => row.toSorted((a, b) => a - b)))
    for (const row of rows) expect([0.2, 1]).toContain(row[4])
    expect(rows.some((row) => row[4] === 1) && rows.some((row) => row[4] === 0.2)).toBe(true)
  })

  it('is one of two: with learnt α it moves α in both stages', async () => {
    const { calls, own } = await run({})
    expect(calls.slice(0, own)).toContain('gradient architecture')
    expect(calls.slice(own)).toContain('gradient architecture')
  })
})

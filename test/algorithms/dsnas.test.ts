import { describe, expect, it } from 'vitest'
import { dsnas } from '../../src/algorithms/dsnas.ts'
import { analyticContext } from './analyticSupernet.ts'

describe('DSNAS', () => {
  it('takes both steps on the same batch of the weight half with the same draw, architecture step first', async () => {
    const context = analyticContext({ protocol: { stepOrder: 'weights-first' } })
    const search = await dsnas.search(context, {})
    const report = await search.epoch(0)
    const { calls, mixings } = context.networks[0]
    expect(calls).toEqual(Array.from({ length: 5 }, () => ['gradient weights', 'step weights']).flat())
    for (let i = 0; i < mixings.length; i += 2) expect(mixings[i]).toEqual(mixings[i + 1])
    expect(new Set(mixings.map((mixing) => JSON.stringify(mixing))).size).toBeGreaterThan(1)
    expect(report.validLoss).toBeUndefined()
  })
})

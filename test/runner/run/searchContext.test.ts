import { expect, it } from 'vitest'
import { multiDarts } from '../../../src/algorithms/zenDarts.ts'
import type { BatchSource } from '../../../src/core/data.ts'
import { searchContext } from '../../../src/runner/run/searchContext.ts'
import { analyticContext } from '../../algorithms/analyticSupernet.ts'

it('passes the epoch of the search to batches whose cutout grows, also if an epoch has several passes', async () => {
  const asked: (number | undefined)[] = []
  const listening = (source: BatchSource): BatchSource => ({
    ...source,
    batch(index, epoch) {
      asked.push(epoch)
      return source.batch(index)
    },
  })
  async function epochsAsked(cutoutGrows: boolean) {
    asked.length = 0
    const analytic = analyticContext()
    const { weights, architecture, ...data } = await analytic.data()
    let now = 0
    const context = searchContext({
      ...analytic,
      protocol: { ...analytic.protocol, data: { ...analytic.protocol.data, cutoutGrows } },
      data: async () => ({ ...data, weights: listening(weights), architecture: listening(architecture) }),
      executor: () => expect.fail('nothing is compiled'),
      epoch: () => now,
      onBatch: () => {},
    })
    const search = await multiDarts.search({ ...context, supernet: analytic.supernet }, { n: 2 })
    for (; now < 2; now++) await search.epoch(now)
    return asked
  }
  const steps = (1 + 2) * 5
  expect(await epochsAsked(true)).toEqual([...Array(steps).fill(0), ...Array(steps).fill(1)])
  expect(await epochsAsked(false)).toEqual(Array(2 * steps).fill(undefined))
})

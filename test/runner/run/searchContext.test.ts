import { expect, it } from 'vitest'
import { multiDarts } from '../../../src/algorithms/zenDarts.ts'
import type { BatchSource } from '../../../src/core/data.ts'
import { random } from '../../../src/core/random.ts'
import type { SearchSpace } from '../../../src/core/space.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { searchContext } from '../../../src/runner/run/searchContext.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
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

it('gives the search network the class weights of its images', async () => {
  const space = darts as unknown as SearchSpace
  const shape = { height: 8, width: 8, channels: 3, classes: 10 }
  const executor = await openExecutor({ backend: 'wasm' })
  const stream = random(1, 'images')
  const images = Float32Array.from({ length: 2 * 8 * 8 * 3 }, () => stream.normal())
  const mixing = { theta: space.edges.map(({ operations }) => operations.map(() => 1 / operations.length)) }
  const analytic = analyticContext({ space, protocol: { batchSize: 2 } })
  const lossUnder = async (classWeights: readonly number[] | undefined, labels: Int32Array) => {
    const context = searchContext({
      ...analytic,
      protocol: { ...analytic.protocol, network: { ...analytic.protocol.network, depth: 3 } },
      data: async () => ({ ...(await analytic.data()), shape, ...(classWeights && { classWeights }) }),
      executor: async () => executor,
      epoch: () => 0,
      onBatch: () => {},
    })
    const supernet = await context.supernet()
    const { loss } = await supernet.gradient({ images, labels, size: 2 }, mixing)
    supernet.dispose()
    return loss
  }
  const weights = [4, 1, 1, 1, 1, 1, 1, 1, 1, 1]
  // Of samples of one class, a weighted mean is the plain one; of two classes it is not.
  const same = Int32Array.of(0, 0)
  expect(await lossUnder(weights, same)).toBeCloseTo(await lossUnder(undefined, same), 5)
  const two = Int32Array.of(0, 1)
  expect(await lossUnder(weights, two)).not.toBeCloseTo(await lossUnder(undefined, two), 5)
})

it('gives the search network drop path where the protocol has it, none in the first epoch and most in the last', async () => {
  const space = darts as unknown as SearchSpace
  const shape = { height: 8, width: 8, channels: 3, classes: 10 }
  const executor = await openExecutor({ backend: 'wasm' })
  const stream = random(1, 'images')
  const images = Float32Array.from({ length: 2 * 8 * 8 * 3 }, () => stream.normal())
  const batch = { images, labels: Int32Array.of(0, 1), size: 2, randomKey: { seed: 0, path: ['batch'] } }
  const mixing = { theta: space.edges.map(({ operations }) => operations.map(() => 1 / operations.length)) }
  const analytic = analyticContext({ space, protocol: { batchSize: 2 } })
  const { network, epochs } = analytic.protocol
  /** Loss of a step in an epoch. */
  const lossIn = async (epoch: number, dropPath: number) => {
    const context = searchContext({
      ...analytic,
      protocol: { ...analytic.protocol, network: { ...network, depth: 3, dropPath } },
      data: async () => ({ ...(await analytic.data()), shape }),
      executor: async () => executor,
      epoch: () => epoch,
      onBatch: () => {},
    })
    const supernet = await context.supernet()
    const { loss } = await supernet.gradient(batch, mixing)
    supernet.dispose()
    return loss
  }
  const without = await lossIn(epochs - 1, 0)
  expect(await lossIn(0, 0.5)).toBeCloseTo(without, 5)
  expect(Math.abs((await lossIn(epochs - 1, 0.5)) - without)).toBeGreaterThan(1e-3)
})

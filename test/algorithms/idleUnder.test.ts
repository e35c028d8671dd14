/** Protocol settings that an algorithm calls idle under its options change nothing in its searches. */
import { describe, expect, it } from 'vitest'
import { builtinAlgorithms } from '../../src/algorithms/index.ts'
import { idleHalves } from '../../src/algorithms/shared/bilevel.ts'
import type { Algorithm } from '../../src/core/algorithm.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import { searchData } from '../../src/data/imagesInMemory.ts'
import { SHAPES, shapes } from '../../src/data/shapes.ts'
import { analyticContext, analyticProtocol } from './analyticSupernet.ts'

const { architecture, weights } = analyticProtocol
const EPOCHS = 2
const images = shapes({ ...SHAPES, train: 100, test: 10 })

/** Runs a search of two epochs. → its reports and its answer */
async function outcome(name: keyof typeof builtinAlgorithms, given: object, changes: Partial<Protocol>) {
  const algorithm = builtinAlgorithms[name] as Algorithm
  const context = analyticContext({ protocol: { epochs: EPOCHS, ...changes } })
  const search = await algorithm.search(context, algorithm.options.parse(given))
  const reports: unknown[] = []
  for (let epoch = 0; epoch < search.epochs; epoch++) reports.push(await search.epoch(epoch))
  return { reports, answer: search.genotype() }
}

describe('a setting that does nothing under the given options', () => {
  it.each([
    [
      'darts-pt',
      'architecture',
      { alpha: 'fixed', tune: 1 },
      { tune: 1 },
      { architecture: { ...architecture, learningRate: 0.5 } },
    ],
    [
      'r-darts',
      'weights.weightDecay',
      { order: 'first', validationEpochs: 0 },
      { order: 'first', validationEpochs: 1 },
      { weights: { ...weights, weightDecay: 0.3 } },
    ],
  ] as const)('%s: %s', async (name, setting, idle, other, changes) => {
    const { idleUnder, options } = builtinAlgorithms[name] as Algorithm
    const reasonOf = (given: object) => idleUnder?.(options.parse(given), analyticProtocol)[setting]
    expect(reasonOf(idle)).toEqual(expect.any(String))
    expect(await outcome(name, idle, changes)).toEqual(await outcome(name, idle, {}))
    expect(reasonOf(other)).toBeUndefined()
    expect(await outcome(name, other, changes)).not.toEqual(await outcome(name, other, {}))
  })

  it('is the size of the halves for a search on all images, unless an architecture half is stated', async () => {
    const firstImages = async (changes: Partial<Protocol['data']>) => {
      const data = { ...analyticProtocol.data, ...changes }
      const source = searchData(images, { data, batchSize: 8, seed: 0 }).whole().weights
      const isIdle = idleHalves({ ...analyticProtocol, data })['data.trainPortion'] !== undefined
      return { isIdle, images: (await source.batch(0)).images, count: source.batchesPerEpoch }
    }
    const [half, most] = [await firstImages({ trainPortion: 0.5 }), await firstImages({ trainPortion: 0.8 })]
    expect(half).toEqual(most)
    expect(half.isIdle).toBe(true)
    const [less, more] = await Promise.all(
      [0.5, 0.8].map((trainPortion) => firstImages({ trainPortion, architecturePortion: 0.1 })),
    )
    expect(less.isIdle).toBe(false)
    expect(less.count).toBeLessThan(more.count)
  })
})

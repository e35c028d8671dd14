import { describe, expect, it } from 'vitest'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { setn } from '../../../src/algorithms/setn.ts'
import { onlyPath, rank } from '../../../src/algorithms/shared/oneShot.ts'
import type { Algorithm } from '../../../src/core/algorithm.ts'
import { type Matrix, softmax } from '../../../src/core/mixing.ts'
import { random } from '../../../src/core/random.ts'
import { sample } from '../../../src/core/space.ts'
import type { Supernet } from '../../../src/core/supernet.ts'
import { analyticContext, analyticProtocol } from '../analyticSupernet.ts'

describe('a ranking by shared weights', () => {
  it('finds the candidate of best accuracy, and ranks a tenth of the candidates between epochs', async () => {
    const context = analyticContext()
    const supernet = await context.supernet()
    const candidate = (n: number) => sample(context.space, random(n, 'candidate'))
    const drawn: number[] = []
    const draw = (n: number) => {
      drawn.push(n)
      return candidate(n)
    }
    const { genotype } = await rank(context, supernet, 3, { candidates: 30, rankingImages: 4 }, draw)
    expect(drawn).toHaveLength(30)
    const { validation } = await context.data()
    const batches = await Promise.all([12, 13, 14, 15].map((index) => validation.batch(index % 5)))
    const losses = await Promise.all(
      drawn.map(async (n) => (await supernet.evaluate(batches, onlyPath(context.space, candidate(n)))).loss),
    )
    expect(genotype).toEqual(candidate(losses.indexOf(Math.min(...losses))))
    drawn.length = 0
    await rank(context, supernet, 0, { candidates: 30, rankingImages: 4 }, draw)
    expect(drawn).toHaveLength(3)
  })
})

describe('SETN', () => {
  it('ranks candidates that have each operation with the probability softmax(α)', async () => {
    const learningRate = 0.5
    const context = analyticContext({
      protocol: { epochs: 1, architecture: { ...analyticProtocol.architecture, learningRate } },
    })
    const ranked: Matrix[] = []
    const watched = {
      ...context,
      async supernet() {
        const network = await context.supernet()
        const evaluate: Supernet['evaluate'] = async (_, { theta }) => {
          ranked.push(theta)
          return { loss: 1, correct: 0, correct5: 0, samples: 1 }
        }
        return { ...network, evaluate }
      },
    }
    const search = await setn.search(watched, { candidates: 1500, rankingImages: 1 })
    const { parameters = [] } = await search.epoch(0)
    const expected = parameters.map(softmax)
    expect(Math.max(...expected.flat())).toBeGreaterThan(0.35)
    for (const [edge, row] of expected.entries()) {
      for (const [op, probability] of row.entries()) {
        const share = ranked.filter((theta) => theta[edge][op] === 1).length / ranked.length
        // Standard error at most 0.013.
        expect(Math.abs(share - probability)).toBeLessThan(0.05)
      }
    }
  })
})

const few = { candidates: 10, rankingImages: 3 }

describe.each([
  ['rsps', few],
  ['setn', few],
  ['enas', { ...few, controllerSteps: 2, samplesPerStep: 3 }],
] as const)('%s', (name, options) => {
  const algorithm = builtinAlgorithms[name] as Algorithm

  it('trains one architecture at a time', async () => {
    const context = analyticContext()
    const search = await algorithm.search(context, algorithm.options.parse(options))
    await search.epoch(0)
    const { calls, mixings } = context.networks[0]
    const trained = mixings.filter((_, i) => calls[i] === 'step weights')
    expect(trained).toHaveLength(5)
    for (const { theta, active } of trained) {
      for (const row of theta) expect(row.filter((weight) => weight === 1)).toHaveLength(1)
      expect(active).toEqual(theta.map((row) => row.map(Boolean)))
    }
    expect(new Set(trained.map(({ theta }) => JSON.stringify(theta))).size).toBeGreaterThan(1)
  })

  it('trains on every batch of the weight half once an epoch, each epoch on the next ones', async () => {
    const context = analyticContext()
    const taken: number[] = []
    const data = async () => {
      const { weights, ...others } = await context.data()
      const batch = (index: number) => {
        taken.push(index)
        return weights.batch(index)
      }
      return { ...others, weights: { ...weights, batch } }
    }
    const search = await algorithm.search({ ...context, data }, algorithm.options.parse(options))
    for (let epoch = 0; epoch < context.protocol.epochs; epoch++) await search.epoch(epoch)
    expect(taken).toEqual(Array.from({ length: 5 * context.protocol.epochs }, (_, index) => index))
  })
})

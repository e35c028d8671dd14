import { describe, expect, it } from 'vitest'
import { checkAlgorithm } from '../../../src/algorithms/contract/index.ts'
import { dartsV1 } from '../../../src/algorithms/darts.ts'
import { noOptions } from '../../../src/algorithms/shared/options.ts'
import { type Algorithm, defineAlgorithm, type Search, type SearchContext } from '../../../src/core/algorithm.ts'
import { type Genotype, sample } from '../../../src/core/space.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'

const executor = openExecutor({ backend: 'wasm' })

/** A search that draws an architecture an epoch, changed in one way. */
function drawing(change: (context: SearchContext, search: Search) => Partial<Search>): Algorithm {
  return defineAlgorithm({
    name: 'drawing',
    version: 1,
    description: 'for a test',
    source: 'a test',
    kind: 'black-box',
    options: noOptions,
    async search(context) {
      const { space } = context
      let answer: Genotype = sample(space, context.random('start'))
      const search: Search = {
        epochs: 2,
        async epoch(index) {
          answer = sample(space, context.random('epoch', index))
          return { validAccuracyPct: index }
        },
        genotype: () => answer,
        save: async () => ({ answer: space.format(answer) }),
        restore(state) {
          answer = space.parse(state.answer as string)
        },
        dispose() {},
      }
      return { ...search, ...change(context, search) }
    },
  }) as Algorithm
}

/** DARTS, changed in one way. */
const darts = (change: (context: SearchContext, search: Search) => Partial<Search> | Promise<Partial<Search>>) =>
  defineAlgorithm({
    ...dartsV1,
    async search(context) {
      const search = await dartsV1.search(context, {})
      return { ...search, ...(await change(context, search)) }
    },
  }) as Algorithm

async function broken(algorithm: Algorithm) {
  const results = await checkAlgorithm(algorithm, {
    executor: () => executor,
    stepsPerEpoch: 1,
    spaces: [nb201],
  })
  return results.filter(({ seen }) => seen !== undefined).map(({ rule, seen }) => ({ rule, seen }))
}

describe('the contract suite', () => {
  it('finds nothing wrong with a search that keeps every rule', async () => {
    expect(await broken(drawing(() => ({})))).toEqual([])
  })

  it('finds a search whose random numbers do not come from the seed', async () => {
    let runs = 0
    const found = await broken(drawing(({ space, random }) => ({ genotype: () => sample(space, random('x', runs++)) })))
    expect(found.map(({ rule }) => rule)).toContain('the same seed gives the same result')
    expect(found[0].seen).toMatch(/^after epoch 0 it answered \|.*\|, then \|/)
  })

  it('finds a search that ignores its seed', async () => {
    const always = nb201.encoding.decode([0, 1, 2, 3, 4, 0])
    expect(await broken(drawing(() => ({ genotype: () => always })))).toEqual([
      { rule: 'different seeds differ', seen: 'seeds 0 and 1 gave the same reports and answers' },
    ])
  })

  it.each([1, 2])('finds a state that a checkpoint cannot hold after the last of %d epochs', async (epochs) => {
    const unsavable = drawing((_, search) => {
      let done = 0
      return {
        epochs,
        epoch: (index) => search.epoch(index).finally(() => (done = index + 1)),
        save: async () => (done < epochs ? search.save() : { answer: () => 'a function' }),
      }
    })
    expect(await broken(unsavable)).toMatchObject([{ seen: expect.stringContaining('could not be cloned') }])
  })

  it('finds an answer that is lost when the last epoch is saved', async () => {
    const forgetful = drawing((_, search) => ({ epochs: 1, restore() {}, genotype: search.genotype }))
    expect(await broken(forgetful)).toEqual([
      {
        rule: 'saved and restored between epochs, it ends the same',
        seen: expect.stringMatching(/^after epoch 0 it answered \|/),
      },
    ])
  })

  it('finds state that is not saved', async () => {
    const forgetful = drawing(() => {
      let epochs = 0
      return { epoch: async () => ({ validAccuracyPct: ++epochs }) }
    })
    expect(await broken(forgetful)).toEqual([
      { rule: 'saved and restored between epochs, it ends the same', seen: 'validAccuracyPct of epoch 1 differs' },
    ])
  })

  it('finds a search that reads numbers it must not see', async () => {
    const peeping = drawing((context) => {
      const { evaluator } = context as SearchContext & { evaluator?: unknown }
      return evaluator === undefined ? {} : { epochs: 1 }
    })
    expect(await broken(peeping)).toEqual([
      { rule: 'it asks for nothing but what a search may see', seen: 'it asked its context for evaluator' },
    ])
  })

  it('finds an invalid number of epochs, and more epochs than the protocol has', async () => {
    expect(await broken(drawing(() => ({ epochs: 0 })))).toContainEqual({
      rule: 'it keeps within its epochs',
      seen: 'epochs is 0, not a positive integer',
    })
    expect(await broken(darts(() => ({ epochs: 3 })))).toEqual([
      { rule: 'it keeps within its epochs', seen: 'it takes 3 epochs where the protocol has 2' },
    ])
  })

  it('finds a search that goes on asking after the budget is spent', async () => {
    const insisting = drawing(({ oracle, space, random }, search) => ({
      async epoch(index) {
        for (let n = 0; n < 50; n++) await oracle.query(sample(space, random('ask', index, n)))
        return search.epoch(index)
      },
    }))
    const [{ rule, seen }] = await broken(insisting)
    expect(rule).toBe('it keeps within the budget')
    expect(seen).toMatch(/^it asked \d+ times more after the budget was spent$/)
  })

  it('finds numbers that are not finite', async () => {
    const rule = 'the numbers of an epoch are finite'
    const logging = drawing(() => ({ epoch: async () => ({ trainLoss: 1, extra: { temperature: Number.NaN } }) }))
    expect(await broken(logging)).toEqual([{ rule, seen: 'temperature of epoch 0 is NaN' }])
    const diverging = darts((_, search) => ({
      async epoch(index) {
        const { parameters = [], ...report } = await search.epoch(index)
        return { ...report, parameters: index === 0 ? parameters : parameters.map((row) => row.map(() => 1 / 0)) }
      },
    }))
    expect(await broken(diverging)).toEqual([{ rule, seen: 'parameters[0][0] of epoch 1 is Infinity' }])
  })

  it('finds an edge weight that is not finite', async () => {
    const wrong = darts(async (context, search) => ({
      async epoch(index) {
        const batch = await (await context.data()).architecture.batch(index)
        const theta = nb201.edges.map(() => [1, 0, 0, 0, 0])
        await search.relaxed?.supernet.gradient(batch, { theta, edgeWeights: [1, 1, Number.NaN, 1, 1, 1] })
        return search.epoch(index)
      },
    }))
    const [{ seen }] = await broken(wrong)
    expect(seen).toBe('it fails: mixing weight edgeWeights[2] is NaN, not a finite number')
  })

  it('finds an answer that is not an architecture of the space', async () => {
    const strange = { space: 'nb201', operations: Array(6).fill('nor_conv_5x5') } as Genotype
    const found = await broken(drawing(() => ({ genotype: () => strange })))
    expect(found.find(({ rule }) => rule === 'its answers are architectures of the space')?.seen).toMatch(
      /unknown operation "nor_conv_5x5"/,
    )
  })

  it('finds mixing weights that do not sum to 1', async () => {
    const wrong = darts(async (context, search) => {
      const { architecture } = await context.data()
      const theta = nb201.edges.map(() => [1, 1, 0, 0, 0])
      return {
        async epoch(index) {
          await search.relaxed?.supernet.gradient(await architecture.batch(index), { theta })
          return search.epoch(index)
        },
      }
    })
    expect(await broken(wrong)).toEqual([
      {
        rule: 'mixing weights are not negative and sum to 1 on each edge that is computed',
        seen: 'edge 0 has weights 1.00, 1.00, 0.00, 0.00, 0.00',
      },
    ])
  })

  it('finds steps that are not awaited', async () => {
    const hasty = darts(async (context, search) => {
      const { weights } = await context.data()
      const theta = nb201.edges.map(() => [1, 0, 0, 0, 0])
      const sgd = { ...context.protocol.weights }
      return {
        async epoch(index) {
          const batch = await weights.batch(index)
          void search.relaxed?.supernet.step(batch, { theta }, sgd)
          return search.epoch(index)
        },
      }
    })
    expect(await broken(hasty)).toEqual([
      {
        rule: 'it awaits each call of the search network before the next',
        seen: 'gradient() was called before step() had ended',
      },
    ])
  })

  it('lets an algorithm break a rule on purpose, and reports the reason', async () => {
    const rule = 'different seeds differ'
    const always = nb201.encoding.decode([0, 1, 2, 3, 4, 0])
    const stubborn = { ...drawing(() => ({ genotype: () => always })), exceptions: { [rule]: 'it knows the answer' } }
    const results = await checkAlgorithm(stubborn, { executor: () => executor, spaces: [nb201] })
    expect(results.filter(({ seen }) => seen !== undefined)).toEqual([])
    expect(results).toContainEqual({ algorithm: 'drawing', space: 'nb201', rule, excepted: 'it knows the answer' })
  })

  it('finds vectors that accumulate, and a network that is not disposed of', async () => {
    const rule = 'it leaves nothing on the backend, neither after an epoch nor at its end'
    const piling = darts((_, search) => ({
      epoch(index) {
        search.relaxed?.supernet.vector()
        return search.epoch(index)
      },
    }))
    expect(await broken(piling)).toEqual([{ rule, seen: '1, then 2 vectors and activation masks after the epochs' }])
    expect(await broken(darts(() => ({ dispose() {} })))).toEqual([{ rule, seen: '1 network(s) after dispose()' }])
  })

  it('finds a search that fails on a space that it does not exclude', async () => {
    const failing = drawing(() => {
      throw new Error('I know three edges only')
    })
    expect(await broken(failing)).toEqual([
      { rule: 'it works on this space, or says on which spaces it does', seen: 'it fails: I know three edges only' },
    ])
    const [{ seen }] = await broken(drawing(() => ({ dispose: undefined })))
    expect(seen).toBe('it fails: search() of drawing returned an object without dispose()')
    expect(await broken({ ...failing, spaces: ['elsewhere'] })).toEqual([
      {
        rule: 'it works on this space, or says on which spaces it does',
        seen: 'none of its spaces is known; known are nb201',
      },
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { checkAlgorithm } from '../../../src/algorithms/contract/index.ts'
import { softmaxRelaxation } from '../../../src/algorithms/distributions/categorical.ts'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import { bilevelSearch, initialParameters } from '../../../src/algorithms/shared/bilevel.ts'
import { checkEarlyStop, type EarlyStopOptions, earlyStopped } from '../../../src/algorithms/shared/earlyStopping.ts'
import type { Algorithm, EpochReport } from '../../../src/core/algorithm.ts'
import type { Matrix } from '../../../src/core/mixing.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { someOf } from '../../support/full.ts'
import { analyticContext, analyticData } from '../analyticSupernet.ts'

const EPOCHS = 50
/** The eigenvalue after an epoch (from 0). */
type Series = (epoch: number) => number

const flat: Series = () => 0.5
/** Doubles after epoch 20. */
const jump: Series = (epoch) => (epoch > 20 ? 1 : 0.5)

async function begin(series: Series, options: EarlyStopOptions = { earlyStop: 'eigenvalue' }, epochs = EPOCHS) {
  const context = { ...analyticContext({ protocol: { epochs } }), data: async () => analyticData(0, 1) }
  const whole = await bilevelSearch(context, { start: initialParameters(context), relaxation: () => softmaxRelaxation })
  return earlyStopped(context, whole, options, async (_, __, epoch) => series(epoch))
}

/** Runs as the runner does. → the reports of the epochs and what would have been answered after each */
async function run(search: Awaited<ReturnType<typeof begin>>, from = 0, to = EPOCHS) {
  const reports: EpochReport[] = []
  const answers: string[] = []
  for (let epoch = from; epoch < to && search.ended === undefined; epoch++) {
    reports.push(await search.epoch(epoch))
    answers.push(nb201.format(search.genotype() as never))
  }
  return { reports, answers }
}

describe('a search stopped early by its eigenvalue', () => {
  it('runs to the end and leaves the search unchanged while the eigenvalue does not grow', async () => {
    const stopped = await run(await begin(flat))
    const whole = await run(await begin(flat, {}))
    expect(stopped.answers).toEqual(whole.answers)
    expect(stopped.reports.map(({ extra, ...report }) => report)).toEqual(whole.reports)
  })

  it('ends once the average of five measurements has grown more than 1.3-fold, with the answer of 12 epochs before', async () => {
    const search = await begin(jump)
    const { reports, answers } = await run(search)
    // Averages of the last five: 0.5 up to epoch 20, 0.6 at 22, and 0.7 at 24, which is 1.4 times as much.
    expect(reports).toHaveLength(25)
    expect(reports[24].extra).toEqual({ dominantEigenvalue: 1, stopEpoch: 12 })
    expect(search.ended).toBe('the dominant eigenvalue grew more than 1.3-fold; the answer is that of epoch 13')
    expect(answers[24]).toBe(answers[12])
  })

  it('measures every second epoch or as often as the option says, but not after the last epoch', async () => {
    const measured = async (options: object) =>
      (await run(await begin(flat, { earlyStop: 'eigenvalue', ...options }))).reports.flatMap(({ extra }, epoch) =>
        extra === undefined ? [] : epoch,
      )
    expect(await measured({})).toEqual(Array.from({ length: 25 }, (_, i) => 2 * i))
    expect(await measured({ earlyStopEvery: 7 })).toEqual([0, 7, 14, 21, 28, 35, 42])
  })

  it('never returns to an epoch before earlyStopFrom', async () => {
    const growing: Series = (epoch) => 1.2 ** epoch
    const ends = async (options: object) =>
      (await run(await begin(growing, { earlyStop: 'eigenvalue', ...options }))).reports.at(-1)?.extra?.stopEpoch
    expect(await ends({})).toBe(10)
    expect(await ends({ earlyStopFrom: 17 })).toBe(18)
  })

  it.each(someOf([{}, { earlyStopEvery: 1 }, { earlyStopEvery: 3 }, { earlyStopFrom: 4 }], 3))(
    'is refused in advance for exactly the numbers of epochs within which no growth ends it, with %j',
    async (given) => {
      const options = { earlyStop: 'eigenvalue', ...given } as const
      const isAccepted = (epochs: number) => {
        try {
          checkEarlyStop('darts-v1', analyticContext({ protocol: { epochs } }), options)
          return true
        } catch {
          return false
        }
      }
      const ends = async (epochs: number) => {
        const search = await begin((epoch) => 2 ** epoch, options, epochs)
        await run(search, 0, epochs)
        return search.ended !== undefined
      }
      const lengths = someOf(
        Array.from({ length: 36 }, (_, i) => i + 2),
        5,
      )
      expect(lengths.filter(isAccepted)).not.toEqual([])
      for (const epochs of lengths) expect(isAccepted(epochs), `${epochs} epochs`).toBe(await ends(epochs))
    },
  )

  it('ends the same if it is saved and restored in between, and stays ended', async () => {
    const whole = await begin(jump)
    const expected = await run(whole)
    const first = await begin(jump)
    await run(first, 0, 15)
    const second = await begin(jump)
    await second.restore(structuredClone(await first.save()))
    expect((await run(second, 15)).reports).toEqual(expected.reports.slice(15))
    expect(second.genotype()).toEqual(whole.genotype())
    const third = await begin(jump)
    await third.restore(structuredClone(await second.save()))
    expect(third.ended).toBe(whole.ended)
    expect(third.genotype()).toEqual(whole.genotype())
  })
})

/** A search of DARTS on a network whose α follow a script: after an epoch they are `alpha(epoch)`. */
async function scripted(alpha: (epoch: number) => Matrix, options: EarlyStopOptions, epochs = 50) {
  const context = { ...analyticContext({ protocol: { epochs } }), data: async () => analyticData(0, 1) }
  const whole = await bilevelSearch(context, { start: alpha(0), relaxation: () => softmaxRelaxation })
  let epoch = 0
  const search = {
    ...whole,
    epoch: async (index: number) => {
      epoch = index
      return whole.epoch(index)
    },
    genotype: () => nb201.derive(alpha(epoch)),
    relaxed: { ...whole.relaxed, parameters: () => alpha(epoch) },
  }
  return earlyStopped(context, search, options)
}

const rows = (skips: number, order: number): Matrix =>
  Array.from({ length: 6 }, (_, edge) => [0, edge < skips ? 3 : 0, 1 + (order === 0 ? 0.1 : 0), 1.05, 0.5])

describe('the rules of DARTS+', () => {
  const skipping = (epoch: number) => rows(epoch < 20 ? 1 : epoch < 30 ? 2 : 3, 0)

  it('end a search in the epoch after which the normal cell has two skip connections, or as many as asked for', async () => {
    const ends = async (options: object) => {
      const { reports, answers } = await run(await scripted(skipping, { earlyStop: 'skips', ...options }))
      expect(answers.at(-1)?.match(/skip_connect/g)).toHaveLength(reports.at(-1)?.extra?.skipConnections ?? -1)
      return reports.length
    }
    expect(await ends({})).toBe(21)
    expect(await ends({ earlyStopAt: 3 })).toBe(31)
    expect(await ends({ earlyStopAt: 4 })).toBe(50)
  })

  it('do not end a search before earlyStopFrom, by default 10 of 50 epochs', async () => {
    const always = () => rows(2, 0)
    const ends = async (options: object, epochs = 50) =>
      (await run(await scripted(always, { earlyStop: 'skips', ...options }, epochs), 0, epochs)).reports.length
    expect(await ends({})).toBe(11)
    expect(await ends({ earlyStopFrom: 0 })).toBe(1)
    expect(await ends({}, 20)).toBe(5)
  })

  it('end a search when the convolutions of every edge have kept their order for ten epochs', async () => {
    const ordered = (change: number) => (epoch: number) => rows(epoch % 3, epoch <= change ? epoch % 2 : 0)
    const ends = async (change: number, options: object = {}) =>
      (await run(await scripted(ordered(change), { earlyStop: 'ranks', ...options }))).reports.length
    // The order of epoch 16 is that of epochs 17 to 26; pooling and skip connections go on changing.
    expect(await ends(16)).toBe(27)
    expect(await ends(16, { earlyStopAt: 3 })).toBe(20)
    expect(await ends(48)).toBe(50)
  })

  it('go on alike from any epoch at which the search was saved', async () => {
    for (const at of [5, 17, 25]) {
      const ordered = (epoch: number) => rows(0, epoch <= 16 ? epoch % 2 : 0)
      const first = await scripted(ordered, { earlyStop: 'ranks' })
      await run(first, 0, at)
      const second = await scripted(ordered, { earlyStop: 'ranks' })
      await second.restore(structuredClone(await first.save()))
      expect((await run(second, at)).reports).toHaveLength(27 - at)
      expect(second.ended).toBe('the same order of α for 10 epochs')
    }
  })
})

const settings = [
  ['darts-v1', { earlyStop: 'eigenvalue', earlyStopEvery: '1' }],
  ['darts-v2', { earlyStop: 'eigenvalue', earlyStopEvery: '1' }],
  ['drnas', { earlyStop: 'skips', earlyStopAt: '1', earlyStopFrom: '0' }],
  ['gdas', { earlyStop: 'ranks', earlyStopFrom: '0' }],
  ['pc-darts', { select: 'perturbation', selectTune: '0' }],
  ['sdarts-rs', { mostSkips: '0' }],
] as const
describe.each(someOf(settings, 4))('%s with %o', (name, options) => {
  const algorithm = builtinAlgorithms[name] as Algorithm

  it('keeps every rule of the contract suite while it measures a real network', async () => {
    const executor = await openExecutor({ backend: 'wasm' })
    const results = await checkAlgorithm(algorithm, {
      executor: async () => executor,
      options,
      stepsPerEpoch: 1,
      spaces: [nb201 as never],
    })
    const broken = results.filter(({ seen }) => seen !== undefined && !/edge \d has weights/.test(seen))
    expect(broken).toEqual([])
  })
})

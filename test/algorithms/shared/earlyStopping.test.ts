import { describe, expect, it } from 'vitest'
import { checkAlgorithm } from '../../../src/algorithms/contract/index.ts'
import { dartsV1, dartsV2 } from '../../../src/algorithms/darts.ts'
import { softmaxRelaxation } from '../../../src/algorithms/distributions/categorical.ts'
import { bilevelSearch, initialParameters } from '../../../src/algorithms/shared/bilevel.ts'
import { type EarlyStopOptions, earlyStopped } from '../../../src/algorithms/shared/earlyStopping.ts'
import type { Algorithm, EpochReport } from '../../../src/core/algorithm.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { analyticContext, analyticData } from '../analyticSupernet.ts'

const EPOCHS = 50
/** The eigenvalue after an epoch (from 0). */
type Series = (epoch: number) => number

const flat: Series = () => 0.5
/** Doubles after epoch 20. */
const jump: Series = (epoch) => (epoch > 20 ? 1 : 0.5)

async function begin(series: Series, options: EarlyStopOptions = { earlyStop: 'eigenvalue' }) {
  const context = { ...analyticContext({ protocol: { epochs: EPOCHS } }), data: async () => analyticData(0, 1) }
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

describe.each([dartsV1, dartsV2] as readonly Algorithm[])('$name with earlyStop', (algorithm) => {
  it('keeps every rule of the contract suite while it measures a real network', async () => {
    const executor = await openExecutor({ backend: 'wasm' })
    const results = await checkAlgorithm(algorithm, {
      executor: async () => executor,
      options: { earlyStop: 'eigenvalue', earlyStopEvery: '1' },
      stepsPerEpoch: 1,
      spaces: [nb201 as never],
    })
    expect(results.filter(({ seen }) => seen !== undefined)).toEqual([])
  })
})

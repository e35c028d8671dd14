import { describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import { rDarts } from '../../src/algorithms/rDarts.ts'
import { adaptiveSearch } from '../../src/algorithms/rDartsAdaptive.ts'
import { initialParameters } from '../../src/algorithms/shared/bilevel.ts'
import type { EpochReport } from '../../src/core/algorithm.ts'
import type { SgdStep } from '../../src/core/executor.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { full } from '../support/full.ts'
import { analyticContext, analyticData } from './analyticSupernet.ts'

/** A context of two epochs that records the settings of every weight step, and what each network was made with. */
function recording(space: unknown = nb201) {
  const context = analyticContext({ space: space as never, protocol: { epochs: 2 } })
  const steps: SgdStep[] = []
  const made: unknown[] = []
  const supernet = async (options: object = {}) => {
    made.push(options)
    const network = await context.supernet()
    const step = network.step.bind(network)
    network.step = (batch, mixing, sgd) => {
      steps.push(sgd)
      return step(batch, mixing, sgd)
    }
    return network
  }
  return { context: { ...context, supernet }, steps, made }
}

async function runAll(given: object, space: unknown = nb201) {
  const { context, steps, made } = recording(space)
  const search = await rDarts.search(context, rDarts.options.parse({ order: 'first', ...given }))
  const reports: EpochReport[] = []
  for (let epoch = 0; epoch < search.epochs; epoch++) reports.push(await search.epoch(epoch))
  return { search, reports, steps, made }
}

describe('R-DARTS', () => {
  it('searches four times with growing weight decay, and trains what it finds alone with that of the protocol', async () => {
    const { reports, steps } = await runAll({ validationEpochs: 1 })
    expect(reports).toHaveLength(4 * 3)
    expect(reports.map(({ extra }) => extra?.search)).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4])
    const decays = [3e-4, 9e-4, 27e-4, 81e-4].flatMap((decay) => [...Array(10).fill(decay), ...Array(5).fill(3e-4)])
    expect(steps.map(({ weightDecay }) => weightDecay)).toEqual(decays)
    const rates = steps.map(({ learningRate }) => learningRate)
    expect(rates.slice(0, 15)).toEqual(rates.slice(45, 60))
  })

  it.each(full ? [nb201, darts] : [nb201])(
    'answers with the architecture that is most accurate on the validation half: $name',
    async (space) => {
      const { search, reports } = await runAll({ validationEpochs: 2 }, space)
      const { context } = recording(space)
      const again = await rDarts.search(context, rDarts.options.parse({ order: 'first', validationEpochs: 2 }))
      const found: { accuracy: number; text: string }[] = []
      for (let epoch = 0; epoch < again.epochs; epoch++) {
        await again.epoch(epoch)
        const relaxed = again.relaxed
        const derived = relaxed && space.derive(relaxed.relaxation.relax(relaxed.parameters()).mixing.theta)
        const accuracy = epoch % 4 === 3 ? reports[epoch].validAccuracyPct : undefined
        if (accuracy !== undefined && derived) found.push({ accuracy, text: space.format(derived as never) })
      }
      expect(found).toHaveLength(4)
      const best = found.reduce((a, b) => (b.accuracy > a.accuracy ? b : a))
      expect(space.format(search.genotype() as never)).toBe(best.text)
    },
  )

  it('can compare what it finds with the shared weights alone', async () => {
    const { reports } = await runAll({ validationEpochs: 0 })
    expect(reports).toHaveLength(8)
    expect(reports.map(({ extra }) => extra?.foundAccuracyPct !== undefined)).toEqual(
      [0, 1, 0, 1, 0, 1, 0, 1].map(Boolean),
    )
  })

  it('drops edges more from search to search, growing anew over the epochs of each', async () => {
    const { search, made } = await runAll({ by: 'dropPath', validationEpochs: 1 })
    const networks = [0, 0.2, 0.4, 0.6].flatMap((dropPath) => [{ dropPath }, {}])
    expect(made).toEqual(networks)
    // The first search drops no edges: it stays in epoch 0, in which a growing cutout has probability 0.
    expect(Array.from({ length: 6 }, (_, epoch) => search.scheduleEpoch?.(epoch))).toEqual([0, 0, 1, 0, 1, 1])
  })

  it('lets a growing cutout grow in every search with other weight decay', async () => {
    const { search } = await runAll({ by: 'l2', validationEpochs: 1 })
    expect(Array.from({ length: 6 }, (_, epoch) => search.scheduleEpoch?.(epoch))).toEqual([0, 1, 1, 0, 1, 1])
  })
})

describe('DARTS-ADA', () => {
  const EPOCHS = 50
  /** @param interrupted whether the search is saved, and a new one restored from that, after every epoch */
  async function adaptive(grows: (epoch: number, run: number) => boolean, interrupted = false) {
    const context = { ...analyticContext({ protocol: { epochs: EPOCHS } }), data: async () => analyticData(0, 1) }
    const method = { start: initialParameters(context), relaxation: () => softmaxRelaxation }
    const reports: EpochReport[] = []
    const begin = () =>
      adaptiveSearch(context, method, async (_, __, epoch) => {
        const decay = reports.at(-1)?.extra?.weightDecay ?? 3e-4
        const run = Math.round(Math.log10(decay / 3e-4)) + Number(reports.at(-1)?.extra?.backToEpoch !== undefined)
        return grows(epoch, run) ? 2 : 1
      })
    let search = await begin()
    for (let epoch = 0; epoch < search.epochs && search.ended === undefined; epoch++) {
      reports.push(await search.epoch(epoch))
      if (!interrupted) continue
      const saved = structuredClone(await search.save())
      search.dispose()
      search = await begin()
      await search.restore(saved)
    }
    return { search, reports }
  }

  it('is DARTS while the eigenvalue does not grow', async () => {
    const { search, reports } = await adaptive(() => false)
    expect(reports).toHaveLength(EPOCHS)
    expect(new Set(reports.map(({ extra }) => extra?.weightDecay))).toEqual(new Set([3e-4]))
    expect(search.ended).toBe('all 50 epochs are trained')
  })

  it('goes back where early stopping would end, with ten times the weight decay', async () => {
    const { reports } = await adaptive((epoch, run) => run === 0 && epoch > 20)
    const at = reports.findIndex(({ extra }) => extra?.backToEpoch !== undefined)
    const { protocolEpoch = Number.NaN, backToEpoch = Number.NaN } = reports[at].extra ?? {}
    expect(protocolEpoch - backToEpoch).toBe(12)
    expect(reports[at + 1].extra).toMatchObject({ protocolEpoch: backToEpoch + 1, weightDecay: 3e-3 })
    expect(reports).toHaveLength(EPOCHS + 12)
  })

  it('ends the same when it is saved and restored after every epoch, also where it goes back', async () => {
    const grows = (epoch: number, run: number) => epoch > 20 + 6 * run
    const [whole, interrupted] = [await adaptive(grows), await adaptive(grows, true)]
    expect(whole.reports.filter(({ extra }) => extra?.backToEpoch !== undefined)).toHaveLength(2)
    expect(interrupted.reports).toEqual(whole.reports)
    expect(interrupted.search.ended).toBe(whole.search.ended)
    expect(nb201.format(interrupted.search.genotype() as never)).toBe(nb201.format(whole.search.genotype() as never))
  })

  it('raises the decay at most to 0.03, however often the eigenvalue grows', async () => {
    const { reports } = await adaptive((epoch, run) => epoch > 20 + 2 * run)
    const decays = [...new Set(reports.map(({ extra }) => extra?.weightDecay ?? 0))]
    expect(decays).toHaveLength(3)
    expect(decays[2]).toBeCloseTo(0.03, 12)
  })

  it('continues from the weights and parameters of the epoch to which it goes back', async () => {
    const { reports } = await adaptive((epoch, run) => run === 0 && epoch > 20)
    const at = reports.findIndex(({ extra }) => extra?.backToEpoch !== undefined)
    const back = reports[at].extra?.backToEpoch ?? Number.NaN
    // The weight decay of w reaches α only through w: the first α after going back is close to the one of old.
    const [old, now] = [reports[back + 1], reports[at + 1]].map(({ parameters = [] }) => parameters.flat())
    const far = reports[at].parameters?.flat() ?? []
    const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((value, i) => value - b[i]))
    expect(distance(old, now)).toBeLessThan(0.1 * distance(far, now))
  })
})

import { describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../../src/algorithms/distributions/categorical.ts'
import { bilevelSearch, initialParameters, sgdOf } from '../../../src/algorithms/shared/bilevel.ts'
import { type Matrix, map } from '../../../src/core/mixing.ts'
import { analyticContext, analyticProtocol } from '../analyticSupernet.ts'

const method = (context: ReturnType<typeof analyticContext>, more = {}) =>
  bilevelSearch(context, { start: initialParameters(context), relaxation: () => softmaxRelaxation, ...more })

const run = async (search: Awaited<ReturnType<typeof method>>, from = 0) => {
  const reports = []
  for (let epoch = from; epoch < search.epochs; epoch++) reports.push(await search.epoch(epoch))
  return reports
}

describe('the bilevel loop', () => {
  it('steps on the architecture before the weights, or after, as the protocol says', async () => {
    const first = analyticContext()
    await (await method(first)).epoch(0)
    expect(first.networks[0].calls.slice(0, 4)).toEqual([
      'gradient architecture',
      'step weights',
      'gradient architecture',
      'step weights',
    ])
    const second = analyticContext({ protocol: { stepOrder: 'weights-first' } })
    await (await method(second)).epoch(0)
    expect(second.networks[0].calls.slice(0, 2)).toEqual(['step weights', 'gradient architecture'])
  })

  it('goes through the weight half once per epoch, with as many steps of each kind', async () => {
    const context = analyticContext()
    await (await method(context)).epoch(0)
    const { calls } = context.networks[0]
    expect(calls.filter((call) => call === 'step weights')).toHaveLength(5)
    expect(calls.filter((call) => call === 'gradient architecture')).toHaveLength(5)
  })

  it('freezes the parameters while the weights warm up', async () => {
    const context = analyticContext()
    const search = await method(context, { architectureFrom: 2 })
    const reports = await run(search)
    const start = initialParameters(context)
    expect(reports[0].parameters).toEqual(start)
    expect(reports[1].parameters).toEqual(start)
    expect(reports[0].validLoss).toBeUndefined()
    expect(reports[2].parameters).not.toEqual(start)
  })

  it('takes several weight steps per architecture step if the method says so', async () => {
    const context = analyticContext()
    await (await method(context, { weightSteps: 3 })).epoch(0)
    const { calls } = context.networks[0]
    expect(calls.filter((call) => call === 'step weights')).toHaveLength(15)
    expect(calls.filter((call) => call === 'gradient architecture')).toHaveLength(5)
  })

  it('passes the epoch to a penalty, and the parameters to the mixing of a weight step', async () => {
    const context = analyticContext()
    const heard: unknown[] = []
    const search = await method(context, {
      penalty: { value: (_: unknown, epoch: number) => 100 + epoch, gradient: (alpha: Matrix) => map(alpha, () => 0) },
      weightMixing: (_: unknown, alpha: Matrix, epoch: number) => {
        heard.push([epoch, alpha])
        return softmaxRelaxation.relax(alpha).mixing
      },
    })
    const [, { extra, parameters }, { extra: later }] = await run(search)
    expect([extra, later]).toEqual([{ penalty: 101 }, { penalty: 102 }])
    expect(heard).toContainEqual([1, parameters])
  })

  it('lowers both losses', async () => {
    const reports = await run(await method(analyticContext({ protocol: { epochs: 12 } })))
    expect(reports[11].trainLoss).toBeLessThan(reports[0].trainLoss as number)
    expect(reports[11].validLoss).toBeLessThan(reports[0].validLoss as number)
  })

  it('ends with the same bits if it is saved and restored in between', async () => {
    const whole = await method(analyticContext())
    const expected = await run(whole)
    const firstHalf = await method(analyticContext())
    await firstHalf.epoch(0)
    await firstHalf.epoch(1)
    const state = structuredClone(await firstHalf.save())
    const secondHalf = await method(analyticContext())
    await secondHalf.restore(state)
    expect(await run(secondHalf, 2)).toEqual(expected.slice(2))
    expect(secondHalf.genotype()).toEqual(whole.genotype())
  })

  it("follows the protocol's cosine by the epoch", () => {
    expect(sgdOf(analyticProtocol, 0).learningRate).toBeCloseTo(0.1, 15)
    expect(sgdOf(analyticProtocol, 2).learningRate).toBeCloseTo(0.055, 15)
    expect(sgdOf(analyticProtocol, 4).learningRate).toBeCloseTo(0.01, 15)
  })

  it.each([
    ['scheduled', 0.055 * (3 / 4)],
    ['initial', 0.1 * (3 / 4)],
  ] as const)('ramps up first where asked, of the %s rate', (of, expected) => {
    const protocol = { ...analyticProtocol, weights: { ...analyticProtocol.weights, warmUp: { epochs: 4, of } } }
    expect(sgdOf(protocol, 2).learningRate).toBeCloseTo(expected, 15)
    expect(sgdOf(protocol, 4)).toEqual(sgdOf(analyticProtocol, 4))
  })
})

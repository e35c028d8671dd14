import { describe, expect, it } from 'vitest'
import { softmaxRelaxation } from '../../../src/algorithms/distributions/categorical.ts'
import {
  bilevelSearch,
  initialParameters,
  type ParameterUpdate,
  sgdOf,
  type WeightStep,
} from '../../../src/algorithms/shared/bilevel.ts'
import { descend } from '../../../src/algorithms/shared/weightSteps.ts'
import { type Matrix, map, zip } from '../../../src/core/mixing.ts'
import type { RandomStream } from '../../../src/core/random.ts'
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

  it('moves the parameters by the update of the method, whose state goes through a checkpoint', async () => {
    const update: ParameterUpdate<{ readonly sum: Matrix }> = {
      start: (alpha) => ({ sum: map(alpha, () => 0) }),
      step(alpha, gradient, { sum }) {
        const next = zip(sum, gradient, (s, g) => s + g)
        return { parameters: zip(alpha, next, (a, s) => a - 0.01 * s), state: { sum: next } }
      },
    }
    const whole = await method(analyticContext(), { update })
    const reports = await run(whole)
    expect(reports[3].parameters).not.toEqual((await run(await method(analyticContext())))[3].parameters)
    const first = await method(analyticContext(), { update })
    await first.epoch(0)
    const second = await method(analyticContext(), { update })
    await second.restore(structuredClone(await first.save()))
    expect(await run(second, 1)).toEqual(reports.slice(1))
  })

  it('gives an update the random stream of which the relaxation of its step sampled', async () => {
    const [sampled, replayed]: [number[], number[]] = [[], []]
    const relaxation = {
      stochastic: true,
      relax(alpha: Matrix, stream?: RandomStream) {
        if (stream !== undefined) sampled.push(stream.uniform())
        return softmaxRelaxation.relax(alpha)
      },
    }
    const update: ParameterUpdate = {
      start: () => undefined,
      step(parameters, _, state, { stream }) {
        replayed.push(stream().uniform())
        return { parameters, state }
      },
    }
    const weightMixing = (_: RandomStream, alpha: Matrix) => softmaxRelaxation.relax(alpha).mixing
    await (await method(analyticContext(), { relaxation: () => relaxation, update, weightMixing })).epoch(0)
    expect(replayed).toHaveLength(5)
    expect(replayed).toEqual(sampled)
  })

  it('lets the mixing of a weight step run passes of the supernet on its batch, before the step', async () => {
    const context = analyticContext()
    await (
      await method(context, {
        async weightMixing(
          _: RandomStream,
          alpha: Matrix,
          __: number,
          { supernet, batch }: Pick<WeightStep, 'supernet' | 'batch'>,
        ) {
          const { mixing } = softmaxRelaxation.relax(alpha)
          await supernet.gradient(batch, mixing, { mode: 'eval' })
          return mixing
        },
      })
    ).epoch(0)
    expect(context.networks[0].calls.slice(0, 3)).toEqual(['gradient architecture', 'gradient weights', 'step weights'])
  })

  it('reports the losses of weight steps that the method takes itself, and follows them exactly', async () => {
    const weightStep = async ({ supernet, batch, mixing, sgd }: WeightStep) => {
      const gradient = supernet.vector()
      const { mixing: _, ...tally } = await supernet.gradient(batch, mixing, { weights: gradient })
      await descend(supernet, gradient, sgd)
      gradient.dispose()
      return tally
    }
    const own = analyticContext()
    const expected = await run(await method(analyticContext()))
    const reports = await run(await method(own, { weightStep }))
    expect(reports.map(({ parameters }) => parameters)).toEqual(
      expected.map(({ parameters }) => parameters?.map((row) => row.map((value) => expect.closeTo(value, 12)))),
    )
    expect(reports.map(({ trainLoss }) => trainLoss)).toEqual(
      expected.map(({ trainLoss }) => expect.closeTo(trainLoss as number, 12)),
    )
    expect(own.networks[0].vectorsHeld()).toBe(0)
  })

  it('keeps what a method remembers in the checkpoint', async () => {
    let steps = 0
    const memory = {
      save: () => ({ steps }),
      restore: (saved: unknown) => {
        steps = (saved as { steps: number }).steps
      },
    }
    const weightMixing = (_: RandomStream, alpha: Matrix) => {
      steps++
      return softmaxRelaxation.relax(alpha).mixing
    }
    const search = await method(analyticContext(), { memory, weightMixing })
    await search.epoch(0)
    const saved = await search.save()
    await search.epoch(1)
    expect(steps).toBe(10)
    await search.restore(structuredClone(saved))
    expect(steps).toBe(5)
  })

  it('takes both steps on all training images if the method says so, without a validation loss', async () => {
    const context = analyticContext()
    const report = await (await method(context, { images: 'whole' })).epoch(0)
    const { calls } = context.networks[0]
    expect(calls).toHaveLength(20)
    expect(new Set(calls)).toEqual(new Set(['gradient weights', 'step weights']))
    expect(report.validLoss).toBeUndefined()
    expect(report.trainLoss).toBeGreaterThan(0)
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

  it.each([1, 2, 3])(
    'restarts at the initial rate in epoch %i where asked, and ends at the least all the same',
    (from) => {
      expect(sgdOf(analyticProtocol, from, from).learningRate).toBeCloseTo(0.1, 15)
      expect(sgdOf(analyticProtocol, 4, from).learningRate).toBeCloseTo(0.01, 15)
      expect(sgdOf(analyticProtocol, from + 1, from).learningRate).toBeLessThan(0.1)
    },
  )

  it.each([
    ['scheduled', 0.055 * (3 / 4)],
    ['initial', 0.1 * (3 / 4)],
  ] as const)('ramps up first where asked, of the %s rate', (of, expected) => {
    const protocol = { ...analyticProtocol, weights: { ...analyticProtocol.weights, warmUp: { epochs: 4, of } } }
    expect(sgdOf(protocol, 2).learningRate).toBeCloseTo(expected, 15)
    expect(sgdOf(protocol, 4)).toEqual(sgdOf(analyticProtocol, 4))
  })
})

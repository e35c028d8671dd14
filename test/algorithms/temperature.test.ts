import { describe, expect, it } from 'vitest'
import { hardGumbel, relaxedGumbel } from '../../src/algorithms/distributions/categorical.ts'
import { gdas } from '../../src/algorithms/gdas.ts'
import { initialParameters } from '../../src/algorithms/shared/bilevel.ts'
import { snas } from '../../src/algorithms/snas.ts'
import type { Algorithm, EpochReport } from '../../src/core/algorithm.ts'
import { random } from '../../src/core/random.ts'
import { analyticContext } from './analyticSupernet.ts'

const EPOCHS = 4

async function run(algorithm: Algorithm, options: object) {
  const context = analyticContext({ protocol: { epochs: EPOCHS } })
  const search = await algorithm.search(context, algorithm.options.parse(options))
  const reports: EpochReport[] = []
  for (let epoch = 0; epoch < EPOCHS; epoch++) reports.push(await search.epoch(epoch))
  const parametersAfter = (epoch: number) => reports[epoch].parameters ?? []
  return { context, search, parametersAfter }
}

describe('the temperature', () => {
  it('of SNAS falls in a straight line from 10 in the first epoch to 1 after the last, as in DrNAS’ code', async () => {
    const { context, parametersAfter } = await run(snas as Algorithm, {})
    const { calls, mixings } = context.networks[0]
    const drawn = mixings.filter((_, i) => calls[i].startsWith('gradient'))
    const steps = drawn.length / EPOCHS
    for (const [epoch, tau] of [10, 7.75, 5.5, 3.25].entries()) {
      const alpha = epoch === 0 ? initialParameters(context) : parametersAfter(epoch - 1)
      const stream = context.random('architecture', 'step', epoch * steps)
      expect(drawn[epoch * steps]).toEqual(relaxedGumbel(tau).relax(alpha, stream).mixing)
    }
  })

  it('of GDAS falls from 10 to 0.1', async () => {
    const { search, parametersAfter } = await run(gdas as Algorithm, {})
    expect(parametersAfter(0)).toEqual((await run(gdas as Algorithm, { tauMin: 10 })).parametersAfter(0))
    expect(parametersAfter(0)).not.toEqual((await run(gdas as Algorithm, { tauMax: 0.1 })).parametersAfter(0))
    const { relaxation, parameters } = search.relaxed ?? expect.fail('GDAS has a relaxation')
    const cotangent = { theta: parameters().map((row) => row.map((_, op) => op)), edgeWeights: [] }
    const pulledBack = (of: typeof relaxation) => of.relax(parameters(), random(1, 'draw')).pullback(cotangent).flat()
    expect(pulledBack(relaxation)).toEqual(pulledBack(hardGumbel(0.1)).map((value) => expect.closeTo(value, 10)))
  })
})

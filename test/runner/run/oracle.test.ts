import { expect, test } from 'vitest'
import type { Evaluator } from '../../../src/core/evaluation.ts'
import { SimulatedOracle } from '../../../src/runner/run/oracle.ts'
import { EvaluationMeter } from '../../../src/runner/run/progressMeter.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'

const evaluator: Evaluator = {
  identity: 'fixed',
  evaluate: async () => ({ metrics: [] }),
  lookup: async () => undefined,
  validate: async (genotype) => ({ accuracyPct: nb201.numbering?.indexOf(genotype as never) ?? 0, seconds: 40 }),
}
const genotype = (index: number) => nb201.numbering?.at(index) ?? nb201.parse('')

test('an oracle adds up the training times, and stops answering when the budget is spent', async () => {
  const oracle = new SimulatedOracle(evaluator, nb201, 100)
  expect(await oracle.query(genotype(7))).toEqual({ accuracyPct: 7, seconds: 40 })
  expect(await oracle.query(genotype(7))).toEqual({ accuracyPct: 7, seconds: 40 })
  expect(await oracle.query(genotype(8))).toBeUndefined()
  expect([oracle.usedSeconds, oracle.queries.length]).toEqual([80, 2])
  expect(oracle.queries[1]).toEqual({ genotype: nb201.format(genotype(7)), accuracyPct: 7, usedSeconds: 80 })
})

test('a query that spends exactly the rest of the budget is answered', async () => {
  const oracle = new SimulatedOracle(evaluator, nb201, 80)
  expect(await oracle.query(genotype(1))).toBeDefined()
  expect(await oracle.query(genotype(2))).toBeDefined()
  expect(await oracle.query(genotype(3))).toBeUndefined()
})

test('a resumed oracle keeps the earlier queries', async () => {
  const first = new SimulatedOracle(evaluator, nb201, 100)
  await first.query(genotype(1))
  const second = new SimulatedOracle(evaluator, nb201, 100, first.queries)
  await second.query(genotype(2))
  expect(second.queries.map(({ accuracyPct, usedSeconds }) => [accuracyPct, usedSeconds])).toEqual([
    [1, 40],
    [2, 80],
  ])
})

test('the meter reports number, time and best accuracy of the queries', async () => {
  const told: unknown[] = []
  const oracle = new SimulatedOracle(evaluator, nb201, 100, [], () => meter.answered())
  const meter = new EvaluationMeter(oracle, 5, (report) => told.push(report))
  meter.report()
  for (const index of [3, 9, 4]) await oracle.query(genotype(index))
  meter.report()
  const shared = { kind: 'evaluations', most: 5, budgetSeconds: 100 }
  expect(told[0]).toEqual({ ...shared, count: 0, usedSeconds: 0 })
  expect(told.at(-1)).toEqual({ ...shared, count: 2, usedSeconds: 80, bestPct: 9 })
})

test('what the search charges is reported too, and what the budget does not pay for is not', () => {
  const told: number[] = []
  const oracle: SimulatedOracle = new SimulatedOracle(evaluator, nb201, 100, [], () => {
    told.push(oracle.usedSeconds)
    return undefined
  })
  expect([oracle.charge(60), oracle.charge(60), oracle.charge(40)]).toEqual([true, false, true])
  expect(told).toEqual([60, 100])
})

test('without a budget there is no limit', async () => {
  const oracle = new SimulatedOracle(evaluator, nb201)
  expect(oracle.budgetSeconds).toBe(Number.POSITIVE_INFINITY)
})

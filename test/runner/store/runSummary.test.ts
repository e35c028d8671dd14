import { expect, test } from 'vitest'
import { improvements } from '../../../src/runner/store/runSummary.ts'

const accuracies = (...answers: readonly (readonly [accuracyPct: number, epochs?: number])[]) =>
  improvements(answers.map(([accuracyPct, epochs]) => ({ accuracyPct, epochs }))).map(({ accuracyPct }) => accuracyPct)

test('every query with a higher accuracy than all before is an improvement', () => {
  expect(accuracies([50], [40], [50], [60])).toEqual([50, 60])
})

test('only queries of the longest training count', () => {
  expect(accuracies([50, 4], [45, 12], [70, 4], [46, 12])).toEqual([45, 46])
})

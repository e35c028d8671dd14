import { expect, test } from 'vitest'
import { improvements } from '../../../src/runner/store/runSummary.ts'

const accuracies = (...answers: readonly (readonly [accuracyPct: number, epochs?: number])[]) =>
  improvements(answers.map(([accuracyPct, epochs]) => ({ accuracyPct, epochs }))).map(({ accuracyPct }) => accuracyPct)

test('an answer improves with everything better than all before it', () => {
  expect(accuracies([50], [40], [50], [60])).toEqual([50, 60])
})

test('of trainings of several lengths only the longest count', () => {
  expect(accuracies([50, 4], [45, 12], [70, 4], [46, 12])).toEqual([45, 46])
})

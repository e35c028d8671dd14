import { describe, expect, test } from 'vitest'
import { compare } from '../../../src/report/comparison/comparison.ts'
import { pairwiseTable } from '../../../src/report/comparison/pairwiseTable.ts'
import type { Tabular } from '../../../src/report/formats/tabular.ts'
import { fixtureRun } from '../fixtureRuns.ts'

/** Four seeds of each algorithm, all at its accuracy on CIFAR-10 and CIFAR-100. */
const comparisonOf = (accuracies: Readonly<Record<string, number>>) =>
  compare(
    Object.entries(accuracies).flatMap(([algorithm, accuracyPct]) =>
      [0, 1, 2, 3].map((seed) => fixtureRun({ algorithm, seed, accuracyPct })),
    ),
  )

const empty: Tabular = { columns: [], rows: [], notes: [] }

const pairsOf = ({ columns, rows }: Tabular = empty) => {
  const [best, other, difference] = ['best', 'other', 'difference'].map((key) =>
    columns.findIndex((c) => c.key === key),
  )
  return rows.map((row) =>
    [row[best], row[other], row[difference]].map((cell) =>
      'text' in cell ? cell.text : 'value' in cell && cell.value,
    ),
  )
}

describe('paired tests', () => {
  const comparison = comparisonOf({ 'darts-v1': 80, drnas: 90, random: 85, optimal: 95 })

  test('are of every other method against the best, test column by test column', () => {
    const pairs = pairsOf(pairwiseTable(comparison))
    expect(pairs).toEqual(
      [...Array(2)].flatMap(() => [
        ['optimal', 'darts-v1', 15],
        ['optimal', 'drnas', 5],
        ['optimal', 'random', 10],
      ]),
    )
  })

  test('leave out what is given and was not found, and say so', () => {
    const table = pairwiseTable(comparison, new Set(['optimal']))
    expect(pairsOf(table).slice(0, 2)).toEqual([
      ['drnas', 'darts-v1', 10],
      ['drnas', 'random', 5],
    ])
    expect(table?.rows).toHaveLength(4)
    expect(table?.notes).toContain('Fixed architectures are left out.')
    expect(pairwiseTable(comparison)?.notes).not.toContain('Fixed architectures are left out.')
  })

  test('are none where no seed is common to two searches', () => {
    const runs = [fixtureRun({ seed: 0 }), fixtureRun({ algorithm: 'darts-v1', seed: 1 })]
    expect(pairwiseTable(compare(runs))).toBeUndefined()
  })
})

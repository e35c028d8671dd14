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

  test('compare every method with the best one, in each test column', () => {
    const pairs = pairsOf(pairwiseTable(comparison))
    expect(pairs).toEqual(
      [...Array(2)].flatMap(() => [
        ['optimal', 'darts-v1', 15],
        ['optimal', 'drnas', 5],
        ['optimal', 'random', 10],
      ]),
    )
  })

  test('leave out fixed architectures, and a note says so', () => {
    const table = pairwiseTable(comparison, new Set(['optimal']))
    expect(pairsOf(table).slice(0, 2)).toEqual([
      ['drnas', 'darts-v1', 10],
      ['drnas', 'random', 5],
    ])
    expect(table?.rows).toHaveLength(4)
    expect(table?.notes).toContain('Fixed architectures are left out.')
    expect(pairwiseTable(comparison)?.notes).not.toContain('Fixed architectures are left out.')
  })

  test('are undefined where no two searches have a seed in common', () => {
    const runs = [fixtureRun({ seed: 0 }), fixtureRun({ algorithm: 'darts-v1', seed: 1 })]
    expect(pairwiseTable(compare(runs))).toBeUndefined()
  })

  describe('have as blocks', () => {
    const runsOf = (seeds: Readonly<Record<string, number>>) =>
      Object.entries(seeds).flatMap(([algorithm, n], place) =>
        Array.from({ length: n }, (_, seed) => fixtureRun({ algorithm, seed, accuracyPct: 90 - place + seed / 10 })),
      )
    const table = (seeds: Readonly<Record<string, number>>) => pairwiseTable(compare(runsOf(seeds))) ?? empty
    const column = ({ columns, rows }: Tabular, key: string) =>
      rows.map((row) => {
        const cell = row[columns.findIndex((c) => c.key === key)]
        return cell.kind === 'number' ? cell.value : cell.kind
      })

    test('one for each seed that all searches finished', () => {
      const tests = table({ drnas: 5, gdas: 5, snas: 3 })
      expect(column(tests, 'seeds')).toEqual([3, 3, 3, 3])
      expect(column(tests, 'wilcoxonP')).toEqual([0.5, 0.5, 0.5, 0.5])
      expect(tests.notes.join(' ')).toContain('not all searches finished them: CIFAR-10 test: 2; CIFAR-100 test: 2.')
    })
    test('and fewer than three of them give a difference without a p-value, and a note', () => {
      const tests = table({ drnas: 2, gdas: 2, snas: 2 })
      expect(column(tests, 'difference')).toEqual([1, 2, 1, 2])
      for (const key of ['wilcoxonP', 'permutationP']) {
        expect(column(tests, key)).toEqual(['absent', 'absent', 'absent', 'absent'])
      }
      expect(tests.notes.join(' ')).toContain(
        'No p-value from fewer than 3 seeds (CIFAR-10 test: 2; CIFAR-100 test: 2).',
      )
    })
  })
})

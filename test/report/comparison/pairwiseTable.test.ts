import { describe, expect, test } from 'vitest'
import { againstTable } from '../../../src/report/comparison/againstTable.ts'
import { compare } from '../../../src/report/comparison/comparison.ts'
import { pairwiseMatrices, pairwiseTable } from '../../../src/report/comparison/pairwiseTable.ts'
import type { Tabular } from '../../../src/report/formats/tabular.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { fixtureProtocol, fixtureRun, fixtureRuns } from '../fixtureRuns.ts'

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

  test('are undefined under different protocols, where no search is the best', () => {
    const runsUnder = (algorithm: string, batchSize: number) =>
      fixtureRuns(4, { algorithm, protocol: { ...fixtureProtocol, batchSize } })
    const testsOf = (runs: readonly RunRecord[]) => {
      const mixed = compare(runs, { mix: true })
      return [pairwiseTable(mixed) !== undefined, pairwiseMatrices(mixed).length > 0]
    }
    expect(testsOf([...runsUnder('drnas', 8), ...runsUnder('darts-v1', 8)])).toEqual([true, true])
    expect(testsOf([...runsUnder('drnas', 8), ...runsUnder('darts-v1', 16)])).toEqual([false, false])
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

describe('the differences to a named search', () => {
  const differencesOf = (own: readonly number[], other: readonly number[]) => {
    const runsOf = (algorithm: string, accuracies: readonly number[]) =>
      accuracies.map((accuracyPct, seed) => fixtureRun({ algorithm, seed, accuracyPct }))
    const runs = [...runsOf('drnas', own), ...runsOf('darts-v1', other)]
    const { columns, rows } = againstTable(compare(runs), new Set(), 'drnas')
    return ['difference', 'interval', 'effectSize'].map((key) => rows[0][columns.findIndex((c) => c.key === key)])
  }

  // In binary the differences are not equal: 91.53 − 91.2 and 90.66 − 90.33 differ in their last bits.
  test.each([
    [[91.53, 90.66, 93.83], [91.2, 90.33, 93.5], 0.33],
    [[90.1, 90.2, 90.3], [90, 90.1, 90.2], 0.1],
  ])('have no effect size where they are the same for every seed', (own, other, difference) => {
    const [mean, interval, effect] = differencesOf(own, other)
    expect(mean).toEqual({ kind: 'number', value: expect.closeTo(difference, 10), digits: 2 })
    expect(interval).toEqual({ kind: 'text', text: `[${difference.toFixed(2)}, ${difference.toFixed(2)}]` })
    expect(effect).toEqual({ kind: 'absent' })
  })

  test('have an effect size where they differ', () =>
    expect(differencesOf([92, 93, 94], [91, 91, 91])[2]).toEqual({ kind: 'number', value: 2, digits: 2 }))
})

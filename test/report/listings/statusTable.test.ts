import { describe, expect, test } from 'vitest'
import { renderTable } from '../../../src/report/formats/renderTable.ts'
import { statusTable } from '../../../src/report/listings/statusTable.ts'
import type { RunStatus } from '../../../src/runner/status.ts'
import { type FixtureOptions, fixtureRun } from '../fixtureRuns.ts'

function planned(algorithm: string, options: FixtureOptions['options'], budgetSeconds?: number): RunStatus {
  const { id, job } = fixtureRun({ algorithm, ...(options && { options }) }).manifest
  const own = `${id}-${JSON.stringify(options)}-${budgetSeconds}`
  return { id: own, job: { ...job, ...(budgetSeconds && { budgetSeconds }) }, state: 'missing', epochs: 0 }
}
const optionsIn = (runs: readonly RunStatus[]) =>
  JSON.parse(renderTable(statusTable(runs), 'json')).rows.map((row: { options?: string }) => row.options ?? '')

describe('the list of runs', () => {
  test('shows by which options and budgets the variants of an algorithm differ, and nothing of other algorithms', () => {
    const runs = [
      planned('drnas', { lambda: 0.001, progressive: false }),
      planned('drnas', { lambda: 0.001, progressive: true }),
      planned('drnas', { lambda: 0.001, progressive: false, partialChannels: [4, 2] }),
      planned('pc-darts', { k: 4 }),
      planned('rea', { population: 10 }, 2000),
      planned('rea', { population: 10 }, 12_000),
    ]
    expect(optionsIn(runs)).toEqual([
      'progressive=false',
      'progressive=true',
      'progressive=false, partialChannels=4,2',
      '',
      'budget=2000',
      'budget=12000',
    ])
  })

  test('has no column of options where no algorithm has variants', () => {
    const runs = [planned('drnas', { lambda: 0.001 }), planned('pc-darts', { k: 4 })]
    expect(statusTable(runs).columns.map(({ key }) => key)).not.toContain('options')
  })

  test('cuts the text of a long architecture', () => {
    const runs = ['|nor_conv_3x3~0|'.repeat(9), '|none~0|'].map((genotype) => planned('genotype', { genotype }))
    expect(optionsIn(runs)[0]).toMatch(/^genotype=.{40}…$/)
  })
})

import { describe, expect, test } from 'vitest'
import { compare } from '../../src/report/comparison/comparison.ts'
import { groupByMethod } from '../../src/report/methods.ts'
import type { RunRecord } from '../../src/report/runRecord.ts'
import { fixtureProtocol, fixtureRun } from './fixtureRuns.ts'

/** A run on another dataset, which reports that dataset's numbers and has its own budget. */
function searchedOn(name: string, budgetSeconds: number, run: RunRecord = fixtureRun()): RunRecord {
  const column = { dataset: name, validation: `${name}/x-valid/200/mean`, test: `${name}/x-test/200/mean` }
  const job = {
    ...run.manifest.job,
    dataset: { name },
    budgetSeconds,
    protocol: { ...fixtureProtocol, headline: { [name]: [column] } },
  }
  return { ...run, manifest: { ...run.manifest, job } }
}

const labels = (runs: readonly RunRecord[]) => groupByMethod(runs).map(({ label }) => label)

describe('runs of one method', () => {
  test('may search several datasets, each with a budget and headline numbers of its own', () => {
    const runs = [searchedOn('cifar10', 20_000), searchedOn('cifar100', 40_000)]
    expect(labels(runs)).toEqual(['drnas'])
    const { rows, columns } = compare(runs)
    expect(rows).toHaveLength(1)
    expect(columns.map(({ title }) => title)).toEqual([
      'CIFAR-10 validation',
      'CIFAR-10 test',
      'CIFAR-100 validation',
      'CIFAR-100 test',
    ])
  })

  test('with two budgets on one dataset are two methods', () =>
    expect(labels([searchedOn('cifar10', 20_000), searchedOn('cifar10', 12_000)])).toEqual([
      'drnas (budgetSeconds=20000)',
      'drnas (budgetSeconds=12000)',
    ]))

  const withOptions = (options: Readonly<Record<string, unknown>>): RunRecord => {
    const run = searchedOn('cifar10', 20_000)
    const { job } = run.manifest
    return { ...run, manifest: { ...run.manifest, job: { ...job, algorithm: { ...job.algorithm, options } } } }
  }

  test('are labelled by the flags that are on', () => {
    const runs = [{ progressive: false }, { progressive: true }, { progressive: true, k: 4 }].map(withOptions)
    expect(labels(runs)).toEqual(['drnas', 'drnas (progressive)', 'drnas (progressive, k=4)'])
  })

  test('are labelled by all differing values where short labels would be equal', () =>
    expect(labels([{ progressive: false }, {}].map(withOptions))).toEqual([
      'drnas (progressive=false)',
      'drnas (progressive=none)',
    ]))

  test('that report different numbers of one dataset are refused', () => {
    const run = searchedOn('cifar10', 20_000)
    const { protocol, ...job } = run.manifest.job
    const column = { dataset: 'cifar10', validation: 'cifar10-valid/x-valid/12/mean', test: 'cifar10/ori-test/12/mean' }
    const other = { ...job, protocol: { ...protocol, headline: { cifar10: [column] } } }
    expect(() => compare([run, { ...run, manifest: { ...run.manifest, job: other } }])).toThrow('headline.cifar10 is ')
  })
})

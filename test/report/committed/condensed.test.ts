import { describe, expect, test } from 'vitest'
import type { SearchSpace } from '../../../src/core/space.ts'
import { checkedFiles } from '../../../src/report/committed/committed.ts'
import { condense, expand } from '../../../src/report/committed/condensed.ts'
import type { WholeRun } from '../../../src/report/runRecord.ts'
import { runId } from '../../../src/runner/plan/identity.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { failedRun, fixtureRun } from '../fixtureRuns.ts'

const space = nb201 as unknown as SearchSpace

/** A black-box search of three questions, the last no better than the second. */
function askingRun(algorithm: string, seed: number): WholeRun {
  const { manifest, epochs, result } = fixtureRun({ algorithm, seed })
  if (result === undefined) throw new Error('a fixture run is finished')
  const id = runId(manifest.job)
  const { genotype } = result
  const queries = [
    { genotype, accuracyPct: 60.123, usedSeconds: 100.2 },
    { genotype, accuracyPct: 70 + seed, usedSeconds: 200 },
    { genotype, accuracyPct: 65, usedSeconds: 300.5 },
  ]
  const oracle = { budgetSeconds: 400, usedSeconds: 300.5, queries }
  return { manifest: { ...manifest, id }, epochs: epochs.slice(-1), result: { ...result, id, oracle } }
}

const runs = ['random', 'rea'].flatMap((algorithm) => [0, 1, 2].map((seed) => askingRun(algorithm, seed)))

describe('condensed records', () => {
  const files = condense(runs, space)
  const again = expand(files, space)

  test('have a line a run, and what runs share once', () => {
    expect(files['runs.csv'].trimEnd().split('\n')).toHaveLength(1 + runs.length)
    expect(JSON.parse(files['jobs.json'])).toHaveLength(2)
    expect(files['runs.csv'].split('\n')[1]).toMatch(/^0,0,[0-9a-f]{16},\d+,3,301,101 60\.12 200 70\.00$/)
  })

  test('name the same runs with the same jobs and architectures', () => {
    const named = (records: readonly WholeRun[]) =>
      records.map(({ manifest: { id, job }, result }) => ({ id, job, genotype: result?.genotype }))
    expect(named(again)).toEqual(named(runs))
  })

  test('give the same tables', async () => {
    const recipe = { schema: 1, title: 'fixture', published: 'none', mix: false } as const
    const rest = { space, references: new Set<string>() }
    const [before, after] = await Promise.all([checkedFiles(runs, recipe, rest), checkedFiles(again, recipe, rest)])
    for (const name of ['table.md', 'table.csv', 'median.csv', 'tests.csv', 'lookups.csv'])
      expect([name, after.get(name)]).toEqual([name, before.get(name)])
    expect(after.has('anytime.json')).toBe(true)
  })

  test('are the same again when they are condensed again', () =>
    expect(condense(again, space)['lookups.csv']).toBe(files['lookups.csv']))

  test('are refused where a run has more to say', () => {
    expect(() => condense([fixtureRun()], space)).toThrow('has epochs or trainings that a compact report would lose')
    expect(() => condense([failedRun()], space)).toThrow('is not finished')
  })

  test('that do not belong together are refused', () =>
    expect(() => expand({ ...files, 'jobs.json': '[]' }, space)).toThrow('runs.csv names job 0, which jobs.json lacks'))

  test.each([
    ['jobs.json', '[{', 'jobs.json is not the jobs of a compact report: it is no JSON'],
    ['runs.csv', 'job,seed\n0,1,2\n', 'runs.csv cannot be read: '],
    ['lookups.csv', 'a\n"b\n', 'lookups.csv cannot be read: '],
  ])('whose %s is damaged say so', (name, text, message) =>
    expect(() => expand({ ...files, [name]: text }, space)).toThrow(message),
  )
})

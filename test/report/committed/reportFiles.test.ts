import { describe, expect, test } from 'vitest'
import type { SearchSpace } from '../../../src/core/space.ts'
import { inOrder, parseRecipe } from '../../../src/report/committed/records.ts'
import { checkedFiles, lookupsCsv, reportFiles } from '../../../src/report/committed/reportFiles.ts'
import { lineDiff } from '../../../src/report/committed/verify.ts'
import type { WholeRun } from '../../../src/report/runRecord.ts'
import { runId } from '../../../src/runner/plan/identity.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { someOf } from '../../support/full.ts'
import { fixtureRun, fixtureRuns } from '../fixtureRuns.ts'

const rest = { space: nb201 as unknown as SearchSpace, references: new Set<string>() }
const recipe = { schema: 1, title: 'fixture', published: 'none', mix: false } as const
const runs = [...fixtureRuns(3), ...fixtureRuns(3, { algorithm: 'darts-v1' })]

describe('a committed report', () => {
  test('is recomputed from its records to the same bytes', async () => {
    const written = await reportFiles(runs, recipe, rest)
    const text = (name: string) => String(written.get(name))
    const records = runs.map(({ manifest: { id } }) => ({
      manifest: JSON.parse(text(`runs/${id}/run.json`)),
      epochs: text(`runs/${id}/epochs.jsonl`)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      result: JSON.parse(text(`runs/${id}/result.json`)),
    }))
    const again = await checkedFiles(records, recipe, rest)
    expect(again.size).toBeGreaterThan(10)
    for (const [name, content] of again) expect(lineDiff(text(name), content)).toEqual([])
  })

  test('shows a changed number in every file that it stands in', async () => {
    const before = await checkedFiles(runs, recipe, rest)
    const changed = await checkedFiles([...runs.slice(1), fixtureRun({ accuracyPct: 12.34 })], recipe, rest)
    const files = [...before].filter(([name, text]) => lineDiff(text, changed.get(name) ?? '').length > 0)
    expect(files.map(([name]) => name)).toEqual(
      expect.arrayContaining(['table.md', 'table.csv', 'table.tex', 'lookups.csv']),
    )
  })

  test('keeps the order of its runs, and is refused where a run is missing or was added', async () => {
    const written = await reportFiles(runs, recipe, rest)
    const kept = parseRecipe(String(written.get('report.json')), 'report.json')
    expect(inOrder(runs.toReversed(), kept)).toEqual(runs)
    expect(() => inOrder(runs.slice(1), kept)).toThrow('which is not in runs/')
    expect(() => inOrder([...runs, ...fixtureRuns(1, { algorithm: 'gdas' })], kept)).toThrow('is not in the list')
  })

  test.each(someOf(['../../../x', '/etc/x', '..', 'a\\..\\b', '\0', '\ud800', 'x/../../y', '.'], 5))(
    'writes no file outside of its folder where records have the name %j',
    async (name) => {
      const [{ manifest, ...run }] = fixtureRuns(1)
      const { job } = manifest
      const foreign: WholeRun['manifest']['job'] = {
        ...job,
        algorithm: { ...job.algorithm, name },
        dataset: { ...job.dataset, name },
        protocol: { ...job.protocol, name, headline: { [name]: job.protocol.headline.cifar10 } },
        executor: name,
      }
      const renamed = { ...run, manifest: { ...manifest, id: runId(foreign), job: foreign } }
      const asking = { ...renamed, epochs: renamed.epochs.slice(0, 1) }
      const files = [
        ...(await reportFiles([renamed], recipe, rest)).keys(),
        ...(await reportFiles([asking], recipe, rest, { compact: true })).keys(),
      ]
      expect(files.length).toBeGreaterThan(10)
      for (const file of files) expect(file).toMatch(/^(runs\/[^/\\\0]+\/)?[\w-]+(\.\w+)+$/)
      for (const file of files) expect(file.split('/')).not.toContain('..')
    },
  )

  test.each([['../x'], ['a/b'], ['..'], ['']])('is refused where its report.json names a run %j', (id) => {
    const text = JSON.stringify({ ...recipe, runs: [id] })
    expect(() => parseRecipe(text, 'report.json')).toThrow(
      'report.json is not the recipe of a report: runs.0: expected a name',
    )
  })

  test('is refused with the first wrong field of its report.json', () =>
    expect(() => parseRecipe('{"schema": 2}', 'report.json')).toThrow(
      'report.json is not the recipe of a report: schema',
    ))
})

describe('looked-up rows', () => {
  test('name table, content, architecture and qualifier, each once', () => {
    const lines = lookupsCsv([fixtureRun(), fixtureRun()]).trimEnd().split('\n')
    expect(lines[0]).toBe('table,sha256,architecture,qualifier,accuracyPct')
    expect(new Set(lines).size).toBe(lines.length)
    expect(lines[1]).toMatch(/^fixture-table,0123456789abcdef,\|/)
  })
})

describe('a difference', () => {
  test('has the committed line and the recomputed line below it', () =>
    expect(lineDiff('a\nb\nc\n', 'a\nB\nc\n')).toEqual(['- b', '+ B']))
  test('has lines that only one of the texts has', () => expect(lineDiff('a\nc\n', 'a\nb\nc\n')).toEqual(['+ b']))
  test('of equal texts is empty', () => expect(lineDiff('a\n', 'a\n')).toEqual([]))
  test('of long texts is cut off, with the number of further lines', () => {
    const long = (letter: string) => Array.from({ length: 30 }, (_, i) => `${letter}${i}`).join('\n')
    expect(lineDiff(long('a'), long('b'), 20).at(-1)).toBe('… and 40 more lines')
  })
})

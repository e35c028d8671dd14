import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { SearchSpace } from '../../../src/core/space.ts'
import { COMPACT_RECORDS, compacted, formatCompact, parseCompact } from '../../../src/report/committed/records.ts'
import { checkedFiles, reportFiles } from '../../../src/report/committed/reportFiles.ts'
import type { RunRecord } from '../../../src/report/runRecord.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { raiseLimit } from '../../../src/system/limits.ts'
import { askingRun, failedRun, fixtureRun, fixtureRuns, trainedRun } from '../fixtureRuns.ts'

const recipe = { schema: 1, title: 'fixture', published: 'none', mix: false } as const
const context = { space: nb201 as unknown as SearchSpace, references: new Set<string>() }

const genotype = String(fixtureRun().result?.genotype)
const answers = [60.123, 70, 65].map((accuracyPct, i) => ({ genotype, accuracyPct, usedSeconds: 100.2 * (i + 1) }))
const blackBox = ['random', 'rea'].flatMap((algorithm) =>
  [0, 1, 2].map((seed) => askingRun(answers, { algorithm, seed })),
)
const searches = [...fixtureRuns(3), ...fixtureRuns(3, { algorithm: 'darts-v1' }), failedRun({ seed: 3 })]

const stored = (runs: readonly RunRecord[]) => parseCompact(formatCompact(runs.map(compacted)), COMPACT_RECORDS)
const lines = (bytes: unknown) =>
  gunzipSync(bytes as Uint8Array)
    .toString()
    .trimEnd()
    .split('\n')

describe('compact records', () => {
  test.each([
    ['black-box searches', blackBox],
    ['searches with probes, one of them failed', searches],
    ['full trainings', [trainedRun({}), trainedRun({ seed: 1 })]],
  ])('of %s give the same tables, figures and page as the whole records', async (_, runs) => {
    const before = await checkedFiles(runs, recipe, context)
    const after = await checkedFiles(stored(runs), recipe, context)
    expect(before.size).toBeGreaterThan(3)
    for (const [name, text] of before) expect([name, after.get(name)]).toEqual([name, text])
  })

  test('are one line a run; a search keeps the answers that improved, and how many there were', () => {
    const written = lines(formatCompact(blackBox.map(compacted)))
    expect(written).toHaveLength(blackBox.length)
    expect(JSON.parse(written[0]).result.oracle).toMatchObject({
      evaluations: 3,
      queries: [
        { accuracyPct: 60.123, usedSeconds: 100.2 },
        { accuracyPct: 70, usedSeconds: 200.4 },
      ],
    })
  })

  test('are the same after they were read and compacted again', () =>
    expect(lines(formatCompact(stored(blackBox).map(compacted)))).toEqual(
      lines(formatCompact(blackBox.map(compacted))),
    ))

  test('share what does not depend on the seed', () => {
    const [first, second] = stored(fixtureRuns(2))
    expect(second.manifest.job.protocol).toBe(first.manifest.job.protocol)
    expect([first.manifest.job.seed, second.manifest.job.seed]).toEqual([0, 1])
  })

  test('stay compact in a report that is written from them without --compact', async () => {
    const files = await reportFiles(stored(blackBox), recipe, context)
    expect([...files.keys()]).toContain(COMPACT_RECORDS)
    expect([...files.keys()].filter((name) => name.startsWith('runs/'))).toEqual([])
  })

  test.each([
    ['bytes that are not gzipped', Buffer.from('no'), 'runs.jsonl.gz cannot be unpacked: '],
    ['a file that was cut short', formatCompact(blackBox).subarray(0, 300), 'runs.jsonl.gz cannot be unpacked: '],
    ['a line that is not JSON', gzipSync('[{\n'), 'runs.jsonl.gz, line 1, is not the record of a run: it is no JSON'],
    [
      'a line without a job',
      gzipSync('{"manifest":{"schema":1,"id":"x"}}'),
      'manifest.job: expected an object, and it is missing',
    ],
  ])('with %s are refused in one line', (_, bytes, message) =>
    expect(() => parseCompact(bytes, COMPACT_RECORDS)).toThrow(message),
  )

  test('that unpack to more than the limit are refused, naming the limit', () => {
    raiseLimit('report-mib=0.5')
    try {
      expect(() => parseCompact(gzipSync(Buffer.alloc(2 ** 20)), COMPACT_RECORDS)).toThrow('--raise report-mib=1')
    } finally {
      raiseLimit('report-mib=256')
    }
  })
})

describe('the files of a report', () => {
  const namesOf = async (form: Parameters<typeof reportFiles>[3]) =>
    [...(await reportFiles(searches, recipe, context, form)).keys()].filter((name) => !name.startsWith('runs/'))

  test('are records and tables alone in a compact report', async () => {
    const names = await namesOf({ compact: true })
    expect(names).toEqual(expect.arrayContaining(['report.json', COMPACT_RECORDS, 'table.md', 'tests.md']))
    expect(names.filter((name) => /\.(svg|png|html)$|hessian|lookups/.test(name))).toEqual([])
  })

  test('are in a compact report with figures the named ones, each with numbers and one picture', async () => {
    const names = await namesOf({ compact: true, figures: ['hessian'] })
    expect(names.filter((name) => /hessian|cells|ranks/.test(name))).toEqual(['hessian.json', 'hessian.svg'])
  })

  test('are in a whole report all figures, or the named ones', async () => {
    const [all, some] = [await namesOf({ compact: false }), await namesOf({ compact: false, figures: ['hessian'] })]
    expect(all).toEqual(expect.arrayContaining(['cells.json', 'hessian.png', 'index.html', 'lookups.csv']))
    expect(all.filter((name) => !some.includes(name)).every((name) => /\.(json|svg|png)$/.test(name))).toBe(true)
    expect(some).toEqual(expect.arrayContaining(['hessian.png', 'index.html']))
    expect(some).not.toContain('cells.json')
  })
})

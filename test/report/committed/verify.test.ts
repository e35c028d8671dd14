/** Reports that were committed by a version of the program with other figures than this one. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reportFiles } from '../../../src/report/committed/reportFiles.ts'
import { updateReport } from '../../../src/report/committed/reportFolder.ts'
import { verifyReport } from '../../../src/report/committed/verify.ts'
import { type FigureKind, figureKinds } from '../../../src/report/figures/index.ts'
import { runId } from '../../../src/runner/plan/identity.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'
import { someOf } from '../../support/full.ts'
import { fixtureRuns } from '../fixtureRuns.ts'

const known = { spaceOf: (name: string) => builtinSpaces[name], references: new Set<string>() }
const recipe = { schema: 1, title: 'fixture', published: 'none', mix: false } as const
const runs = [...fixtureRuns(3), ...fixtureRuns(3, { algorithm: 'darts-v1' })].map(({ manifest, result, ...run }) => {
  const id = runId(manifest.job)
  return { ...run, manifest: { ...manifest, id }, ...(result && { result: { ...result, id } }) }
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Writes the report as a program would that has no other kinds of figures than these. */
async function write(figures: readonly FigureKind[], compact = false): Promise<void> {
  const context = { space: builtinSpaces.nb201, references: known.references }
  for (const [name, content] of await reportFiles(runs, recipe, context, { compact, figures })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

const edit = (name: string, change: (text: string) => string) =>
  writeFileSync(join(folder, name), change(readFileSync(join(folder, name), 'utf8')))

const kinds = (Object.keys(figureKinds) as FigureKind[]).filter((kind) => kind !== 'scatter' && kind !== 'pareto')
const differingFiles = async () => (await verifyReport(folder, known)).differences.map(({ file }) => file)

describe('a report that was committed before a kind of figure existed', () => {
  test.each(someOf(kinds, 4))('still verifies: %s', async (kind) => {
    await write(kinds.filter((other) => other !== kind))
    expect(await differingFiles()).toEqual([])
  })

  test('still verifies where its report.json lists no files, as those of the first versions', async () => {
    await write(['hessian'])
    edit('report.json', (text) => JSON.stringify({ ...JSON.parse(text), files: undefined }))
    expect(await differingFiles()).toEqual([])
    edit('table.md', (text) => text.replace(/\d\d\.\d\d/, '99.99'))
    expect(await differingFiles()).toEqual(['table.md'])
  })

  test('is updated to the same files', async () => {
    await write(['hessian'])
    const files = readFileSync(join(folder, 'report.json'), 'utf8')
    edit('hessian.json', () => 'stale')
    await updateReport(folder, known)
    expect(readFileSync(join(folder, 'report.json'), 'utf8')).toBe(files)
    expect(await differingFiles()).toEqual([])
  })
})

describe('of the listed figures', () => {
  test.each([false, true])('a changed number fails (compact: %s)', async (compact) => {
    await write(['hessian'], compact)
    edit('hessian.json', (text) => text.replace(/"y": \d/, '"y": 9'))
    expect(await differingFiles()).toEqual(['hessian.json'])
  })

  test('one whose file is gone fails', async () => {
    await write(['hessian', 'alpha'])
    rmSync(join(folder, 'alpha.json'))
    expect(await differingFiles()).toEqual(['alpha.json'])
  })

  test('one that the records do not give fails', async () => {
    await write(['hessian'])
    edit('report.json', (text) => text.replace('"hessian.json"', '"hessian.json", "range2.json"'))
    expect(await differingFiles()).toEqual(['range2.json'])
  })
})

test('a changed record of a compact report fails, naming its run', async () => {
  const changed = runs.map(({ result, ...run }, i) => ({
    ...run,
    ...(result && { result: i === 0 ? { ...result, seed: 77 } : result }),
  }))
  const context = { space: builtinSpaces.nb201, references: known.references }
  for (const [name, content] of await reportFiles(changed, recipe, context, { compact: true })) {
    writeFileSync(join(folder, name), content)
  }
  expect(await differingFiles()).toEqual([`runs.jsonl.gz, ${runs[0].manifest.id}`])
})

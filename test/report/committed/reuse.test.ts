/** Finished runs of reports and stores that are taken over into another store. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readReport } from '../../../src/report/committed/records.ts'
import { reportFiles } from '../../../src/report/committed/reportFiles.ts'
import { reusable, takeOver } from '../../../src/report/committed/reuse.ts'
import { readRun } from '../../../src/report/runRecord.ts'
import { runId } from '../../../src/runner/plan/identity.ts'
import type { PlannedJob } from '../../../src/runner/plan/plan.ts'
import { storeStatus } from '../../../src/runner/status.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'
import { lockIfFree } from '../../../src/system/lock.ts'
import { askingRun, type FixtureRun, failedRun, fixtureRuns, trainedRun } from '../fixtureRuns.ts'

const context = { space: builtinSpaces.nb201, references: new Set<string>() }
const spaceOf = (name: string) => builtinSpaces[name]
const recipe = { schema: 1, title: 'fixture', published: 'none', mix: false } as const

const named = ({ manifest, result, ...run }: FixtureRun): FixtureRun => {
  const id = runId(manifest.job)
  return { ...run, manifest: { ...manifest, id }, ...(result && { result: { ...result, id } }) }
}
const queries = [60, 70, 65, 80].map((accuracyPct, i) => ({
  genotype: `g${i}`,
  accuracyPct,
  usedSeconds: 10 * (i + 1),
}))
const runs = [...fixtureRuns(3), ...fixtureRuns(2, { algorithm: 'darts-v1' }), askingRun(queries)].map(named)
const planned = runs.map(({ manifest: { id, job } }) => ({ id, job }) as PlannedJob)

let folder: string
let store: Store
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reuse-'))
  store = new Store(join(folder, 'store'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function writtenReport(shown: readonly FixtureRun[], compact: boolean) {
  const report = join(folder, 'report')
  for (const [name, content] of await reportFiles(shown, recipe, context, { compact, figures: [] })) {
    mkdirSync(dirname(join(report, name)), { recursive: true })
    writeFileSync(join(report, name), content)
  }
  return { name: 'report', runs: (await readReport(report, spaceOf)).runs }
}

describe.each([
  ['compact', true],
  ['with run folders', false],
])('a report %s', (_, compact) => {
  test('gives its finished runs to a store, from which the same report is written', async () => {
    const report = await writtenReport(runs, compact)
    expect(takeOver(planned, store, [report])).toEqual(['6 finished runs taken over from report'])
    expect(storeStatus(store, planned).map(({ state }) => state)).toEqual(planned.map(() => 'finished'))
    const ordered = planned.map(({ id }) => readRun(store.run(id)))
    const again = await reportFiles(ordered, recipe, context, { compact, figures: [] })
    for (const [name, content] of again) {
      expect(Buffer.from(content).equals(readFileSync(join(folder, 'report', name))), name).toBe(true)
    }
    expect(takeOver(planned, store, [report])).toEqual(['the store has the 6 runs of report already'])
  })
})

test('full trainings are taken over with their outcomes', async () => {
  const trained = named(trainedRun({ accuracies: [96, 97] }))
  takeOver([{ ...trained.manifest } as unknown as PlannedJob], store, [{ name: 'other', runs: [trained] }])
  expect(store.run(trained.manifest.id).result()?.trainings).toEqual(trained.result?.trainings)
})

test('a run that differs in any setting of its job is not taken over, and the setting is named', () => {
  const [first] = runs
  const { job } = first.manifest
  const changes = [
    { ...job, algorithm: { ...job.algorithm, version: 2 } },
    { ...job, dataset: { ...job.dataset, contentHash: 'other' } },
    { ...job, probes: [] },
    { ...job, arithmetic: 'fused' as const },
    { ...job, protocol: { ...job.protocol, epochs: 11 } },
  ]
  const wanted = changes.map((other) => ({ id: runId(other), job: other }) as PlannedJob)
  const messages = wanted.map((plan) => takeOver([plan], store, [{ name: 'report', runs }])[0])
  const names = ['algorithm.version', 'dataset.contentHash', 'probes', 'arithmetic', 'protocol.epochs']
  expect(messages).toEqual(
    names.map((name) => `report has none of these runs finished; the most similar one differs in ${name}`),
  )
  expect(existsSync(store.folder)).toBe(false)
})

test('failed and unfinished runs of a report do not count as finished', () => {
  const failed = named(failedRun({ seed: 0 }))
  const { failure: _, ...unfinished } = named(failedRun({ seed: 1 }))
  expect(reusable(planned, { name: 'report', runs: [failed, unfinished] }).size).toBe(0)
})

test('records that are not of their jobs are refused before anything is written', () => {
  const [first, second] = runs
  const damaged = [
    { ...second, manifest: { ...second.manifest, job: { ...second.manifest.job, budgetSeconds: 7 } } },
    { ...second, result: { ...first.result, id: second.manifest.id } as FixtureRun['result'] },
    { ...second, epochs: second.epochs.slice(1) },
  ]
  for (const run of damaged) {
    const take = () => takeOver(planned, store, [{ name: 'report', runs: [first, run] }])
    expect(take).toThrow(`report has a damaged record of ${second.manifest.id}`)
  }
  expect(existsSync(store.folder)).toBe(false)
})

test('an interrupted or failed run of the store is replaced, a running or finished one is not', () => {
  const [failing, interrupted, running, finished] = runs
  for (const run of [failing, interrupted, running, finished]) {
    mkdirSync(join(store.folder, run.manifest.id), { recursive: true })
    store.run(run.manifest.id).begin(run.manifest)
    store.run(run.manifest.id).appendEpochs(run.epochs.slice(0, 2))
  }
  store.run(failing.manifest.id).fail({ schema: 1, id: failing.manifest.id, epoch: 2, message: 'out of memory' })
  if (finished.result) store.run(finished.manifest.id).finish(finished.result)
  const held = lockIfFree(join(store.run(running.manifest.id).path, 'lock'))
  expect(takeOver(planned.slice(0, 4), store, [{ name: 'report', runs }])).toEqual([
    '2 finished runs taken over from report',
  ])
  held?.release()
  const epochs = (run: FixtureRun) => store.run(run.manifest.id).epochs().length
  expect([failing, interrupted, running, finished].map(epochs)).toEqual([10, 10, 2, 2])
  expect(store.run(failing.manifest.id).failure()).toBeUndefined()
  expect(store.run(running.manifest.id).isFinished()).toBe(false)
})

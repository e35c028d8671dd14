import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { statusCommand } from '../../src/cli/commands/status.ts'
import type { Job } from '../../src/core/result.ts'
import { renderTable } from '../../src/report/formats/renderTable.ts'
import { statusTable } from '../../src/report/listings/statusTable.ts'
import { TrainingFolder } from '../../src/retrain/trainingFolder.ts'
import { trainingId, trainingJob } from '../../src/retrain/trainingRecord.ts'
import { storeStatus } from '../../src/runner/status.ts'
import { Store } from '../../src/runner/store/store.ts'
import { darts, parseCells } from '../../src/spaces/darts/index.ts'
import { type Trained, trainedRun } from '../report/fixtureRuns.ts'

let store: Store
beforeEach(() => {
  store = new Store(mkdtempSync(join(tmpdir(), 'bench-')))
})
afterEach(() => rmSync(store.folder, { recursive: true }))

const request = { preset: 'trial', epochs: 5 }

const tested = { testAccuracyPct: 97, testTop5AccuracyPct: 100 }
const trainingEpoch = { learningRate: 0.1, dropProbability: 0, trainLoss: 1, trainAccuracyPct: 60, ...tested }
const moment = '2000-01-01T00:00:00.000Z'
const trainingRecord = {
  ...{ schema: 1 as const, ...tested, best: { epoch: 0, testAccuracyPct: 97 }, parameters: 1, macs: 1 },
  timing: { startedAt: moment, finishedAt: moment, wallSeconds: 1, peakMemoryBytes: 1 },
}

/** Writes a run with full trainings, of which the given numbers of epochs are finished. */
function keep(id: string, trained: Trained, epochs: readonly number[], isFinished = false): void {
  const { manifest, result } = trainedRun({ request, ...trained })
  const retraining = { ...manifest.job.retraining, seeds: epochs.map((_, seed) => seed) } as Job['retraining']
  const job: Job = {
    ...manifest.job,
    retraining,
    dataset: { name: 'cifar10', contentHash: 'abc' },
    executor: 'static/wasm',
    arithmetic: 'deterministic',
  }
  mkdirSync(join(store.folder, id), { recursive: true })
  const run = store.run(id)
  run.begin({ ...manifest, id, job })
  const genotype = result?.genotype ?? ''
  run.appendEpochs([{ epoch: 0, genotype, metrics: [], seconds: 1 }])
  if (isFinished && result) run.finish({ ...result, id })
  for (const [seed, done] of epochs.entries()) {
    if (done === 0 || isFinished || retraining === undefined) continue
    const { settings } = retraining
    const training = trainingJob({
      ...{
        genotype: darts.format(parseCells(genotype)),
        dataset: { name: 'cifar10', contentHash: 'abc' },
        settings,
        seed,
      },
      ...{ executor: 'static/wasm', arithmetic: 'deterministic' },
    })
    const folder = new TrainingFolder(store.folder, trainingId(training))
    mkdirSync(join(store.folder, folder.id))
    const epochs = Array.from({ length: done }, (_, epoch) => ({ epoch, ...trainingEpoch }))
    if (done === settings.epochs) folder.finish({ ...trainingRecord, job: training, id: folder.id, seed, epochs })
    else folder.save({ id: folder.id, epochs, state: {} as never, startedAt: '', wallSeconds: 0 })
  }
}

/** Returns protocol, epochs and training of each run. */
function shown(): (string | null)[][] {
  const { rows } = JSON.parse(renderTable(statusTable(storeStatus(store), new Set(['genotype'])), 'json'))
  return rows.map(({ protocol, epochs, training }: Record<string, never>) => [protocol, epochs, training])
}

describe('the status of runs with full trainings', () => {
  test.each([
    ['not begun', [0], 'trial, 0 of 5 epochs'],
    ['under way', [3], 'trial, 3 of 5 epochs'],
    ['several, of which one is finished and one under way', [5, 2, 0], 'trial, 1 of 3 trainings, 2 of 5 epochs'],
    ['several, between two of them', [5, 0], 'trial, 1 of 2 trainings'],
  ])('says how far the training is: %s', (_, epochs, training) => {
    keep('a', {}, epochs)
    expect(shown()).toEqual([[null, null, training]])
  })
  test('shows finished trainings', () => {
    keep('a', { accuracies: [97] }, [5], true)
    expect(shown()).toEqual([[null, null, 'trial, 5 of 5 epochs']])
  })
  test('shows protocol and epochs of the search with the training of its architecture', () => {
    keep('a', { algorithm: 'drnas' }, [4])
    expect(shown()).toEqual([['darts-paper', 1, 'trial, 4 of 5 epochs']])
  })
  test('is shown even if the checkpoint of a training is damaged', () => {
    keep('a', {}, [3])
    const training = readdirSync(store.folder).find((name) => name.startsWith('retrain-')) as string
    writeFileSync(join(store.folder, training, 'checkpoint'), 'damaged')
    expect(shown()).toEqual([[null, null, 'trial, 0 of 5 epochs']])
  })
  test('has no training column if nothing is trained in full', () => {
    expect(statusTable([]).columns.map(({ key }) => key)).not.toContain('training')
  })
})

test('bench status --watch reads a checkpoint again only after it changed', async () => {
  keep('live', {}, [3])
  const lock = await store.run('live').lock(() => {})
  const checkpoint = vi.spyOn(TrainingFolder.prototype, 'checkpoint')
  const looks: string[] = []
  const [training] = readdirSync(store.folder).filter((name) => name.startsWith('retrain-'))
  const epochs = Array.from({ length: 4 }, (_, epoch) => ({ epoch, ...trainingEpoch }))
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    looks.push(String(text))
    if (looks.length === 4) {
      new TrainingFolder(store.folder, training).save({
        id: training,
        epochs,
        state: {} as never,
        startedAt: '',
        wallSeconds: 0,
      })
    }
    if (looks.length === 8) lock.release()
    return true
  })
  const words = ['--store', store.folder, '--watch', '--interval', '0.01', '--json']
  await statusCommand()
    .parseAsync(words, { from: 'user' })
    .finally(() => vi.mocked(process.stdout.write).mockRestore())
  const shown = looks.flatMap((look) => JSON.parse(look).running.map(({ epoch }: { epoch: number }) => epoch))
  expect(shown).toEqual([3, 3, 3, 3, 4, 4, 4, 4])
  expect(checkpoint).toHaveBeenCalledTimes(2)
  checkpoint.mockRestore()
})

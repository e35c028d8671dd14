import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { WeightsToKeep } from '../../src/core/retraining.ts'
import { type RetrainingProgress, type RetrainingRun, retrain } from '../../src/retrain/retrain.ts'
import { parseEvaluate, parseKeep } from '../../src/retrain/settings.ts'
import { trainedNetwork } from '../../src/retrain/training.ts'
import { type TrainingRecord, trainingId, trainingJob } from '../../src/retrain/trainingRecord.ts'
import { decodeSafetensors } from '../../src/system/safetensors.ts'
import { stateOf } from '../../src/training/namedTensors.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'
import { Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'
import { deathEnvironment } from '../support/killed.ts'
import { tinyRun, writePictures } from './tinyTraining.ts'

const folder = temporaryFolder()

async function runIn(store: string, keep?: WeightsToKeep): Promise<RetrainingRun> {
  await writePictures(join(folder.path, 'pictures'))
  return tinyRun(folder.path, { store: join(folder.path, store), ...(keep && { keep }) })
}
const pathOf = (run: RetrainingRun, file = '') => {
  const job = trainingJob({
    ...{ ...run, genotype: run.family.format(run.genotype) },
    ...{ executor: run.executorName, dataset: run.images },
  })
  return join(run.store, trainingId(job), file)
}
const weightsIn = (run: RetrainingRun) => readdirSync(pathOf(run)).filter((name) => name.endsWith('.safetensors'))
const bytesOf = (run: RetrainingRun, record: TrainingRecord) =>
  (record.weights ?? []).map(({ epochs, file }) => [epochs, readFileSync(pathOf(run, file)).toString('base64')])

/** Trains until so many epochs are finished, then stops in the middle of the next as a killed process does. */
async function trainUntil(epochs: number, run: RetrainingRun): Promise<void> {
  const report = (progress: RetrainingProgress) => {
    if (progress.kind === 'training' && progress.share > (epochs + 0.4) / run.settings.epochs) throw new Error('killed')
  }
  await expect(retrain({ ...run, report })).rejects.toThrow('killed')
}

describe('a full training', () => {
  test('keeps its final weights with all that is needed to use them', async () => {
    const run = await runIn('store')
    const record = await retrain(run)
    const [final, ...others] = record.weights ?? []
    expect(others).toEqual([])
    expect(final).toMatchObject({ epochs: 3, file: 'weights.safetensors' })
    const bytes = readFileSync(pathOf(run, final.file))
    expect(final.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
    const { metadata, tensors } = decodeSafetensors(bytes, final.file)
    expect(metadata).toMatchObject({ format: 'pt', family: 'darts', genotype: run.family.format(run.genotype) })
    expect(JSON.parse(metadata.input)).toMatchObject({ height: 8, width: 8, channels: 3, classNames: ['cat', 'dog'] })
    expect(JSON.parse(metadata.network)).toEqual(run.settings.network)

    const executor = await run.executor()
    const shape = { height: 8, width: 8, channels: 3, classes: 2 }
    const network = trainedNetwork(run, run.settings, shape)
    const executable = await executor.compile(network, { batchSize: 5 })
    executable.restore(stateOf(network, tensors, final.file))
    const data = run.images.open({ batchSize: 5, seed: 0 })
    let correct = 0
    let samples = 0
    for await (const batch of data.test()) {
      const tally = await executable.evaluate([{ batch }], 'eval')
      correct += tally.correct
      samples += tally.samples
    }
    executable.dispose()
    expect((100 * correct) / samples).toBe(record.testAccuracyPct)
  })

  test('keeps the best weights and every n-th on request, and no others', async () => {
    const run = await runIn('asked', { best: true, every: 2 })
    const record = await retrain(run)
    const best = record.best.epoch + 1
    const kept = [...new Set([2, best])].filter((epochs) => epochs < 3).sort()
    expect(record.weights?.map(({ epochs }) => epochs)).toEqual([...kept, 3])
    expect(weightsIn(run)).toEqual([
      ...kept.map((epochs) => `weights-${epochs}-epochs.safetensors`),
      'weights.safetensors',
    ])
    const plain = await runIn('asked')
    expect(pathOf(plain)).not.toBe(pathOf(run))
    const { weights = [] } = await retrain(plain)
    expect(weights[0].sha256).toBe(record.weights?.at(-1)?.sha256)
  })

  test('has the same bits in all its weights where it was broken off, and removes those of a lost attempt', async () => {
    const keep = { best: true, every: 1 }
    const whole = await runIn('whole', keep)
    const expected = bytesOf(whole, await retrain(whole))
    const run = await runIn('broken off', keep)
    await trainUntil(1, run)
    expect(weightsIn(run)).toEqual(['weights-1-epochs.safetensors'])
    writeFileSync(pathOf(run, 'weights-2-epochs.safetensors'), 'of an attempt that wrote no checkpoint')
    writeFileSync(pathOf(run, 'weights-7-epochs.safetensors'), 'of an attempt that wrote no checkpoint')
    await trainUntil(2, run)
    const record = await retrain(run)
    expect(bytesOf(run, record)).toEqual(expected)
    expect(weightsIn(run)).toHaveLength(3)
  })
})

describe('a training that is killed at a change of the file system', () => {
  let place: Workplace
  beforeAll(async () => {
    place = new Workplace()
    await writePictures(join(place.folder, 'pictures'))
  })
  afterAll(() => place.remove())

  const SMALL = ['--preset', 'trial', '--channels', '4', '--layers', '3', '--batch-size', '8', '--epochs', '2']
  const command = (store: string) =>
    ['retrain', '--genotype', 'DARTS_V2', '--dataset', 'pictures', '--data', 'pictures', '--image-size', '8'].concat(
      ...[SMALL, '--keep', 'best,every:1', '--jobs', '1', '--store', store, '--json'],
    )
  const trainingIn = (store: string) => place.runs(store).find((path) => path.includes('retrain-')) ?? ''
  const filesIn = (path: string) =>
    Object.fromEntries(
      readdirSync(path)
        .filter((name) => name.endsWith('.safetensors'))
        .map((name) => [name, readFileSync(join(path, name)).toString('base64')]),
    )

  test('never leaves half a file, and is repeated to the same bits', { timeout: 600_000 }, async () => {
    const log = join(place.folder, 'log')
    Object.assign(process.env, deathEnvironment({ within: join(place.folder, 'whole'), log }))
    try {
      expect((await place.bench(...command('whole'))).code).toBe(0)
      const path = trainingIn('whole')
      const expected = filesIn(path)
      expect(Object.keys(expected)).toEqual(['weights-1-epochs.safetensors', 'weights.safetensors'])
      const writes = Math.max(
        ...readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .map((line) => Number(line.split(' ')[1])),
      )
      expect(writes).toBeGreaterThan(3)
      const all = Array.from({ length: writes }, (_, i) => i + 1)
      for (const at of full ? all.filter((at) => at % 2 === writes % 2) : all.slice(-3, -2)) {
        const store = `killed-${at}`
        const within = join(place.folder, store)
        Object.assign(process.env, deathEnvironment({ within, at, mode: 'write' }))
        await place.bench(...command(store))
        for (const [name, bytes] of Object.entries(existsSync(trainingIn(store)) ? filesIn(trainingIn(store)) : {})) {
          expect(bytes, `${name} after a death at write ${at}`).toBe(expected[name])
        }
        delete process.env.KILL_AT_WRITE
        delete process.env.NODE_OPTIONS
        expect((await place.bench(...command(store))).code).toBe(0)
        expect(filesIn(trainingIn(store))).toEqual(expected)
      }
    } finally {
      delete process.env.KILL_AT_WRITE
      delete process.env.NODE_OPTIONS
    }
  })
})

describe('the weights to keep', () => {
  test('are named by words, alone or together, on the command line and within --evaluate', () => {
    expect(parseKeep('best')).toEqual({ best: true })
    expect(parseKeep('every:10, best')).toEqual({ best: true, every: 10 })
    expect(parseEvaluate('retrain:epochs=2,keep=best+every:5').keep).toEqual({ best: true, every: 5 })
  })

  test.each(['worst', 'every', 'every:0', 'every:-1', 'every:1.5', 'best,', ''])('refuse %j in one line', (text) => {
    expect(() => parseKeep(text)).toThrow(/^weights to keep: found ".*", expected best, every:10, or best,every:10$/)
  })

  test('refuse a word that is given twice', () => {
    expect(() => parseKeep('every:1,every:2')).toThrow('keep has every twice; keep one of the two')
  })
})

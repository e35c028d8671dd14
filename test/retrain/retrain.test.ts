import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { retrainingEvaluator } from '../../src/retrain/evaluator.ts'
import { type RetrainingProgress, type RetrainingRun, retrain } from '../../src/retrain/retrain.ts'
import { darts, parseCells } from '../../src/spaces/darts/index.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'
import { tinyRun, writePictures } from './tinyTraining.ts'

const folder = temporaryFolder()
beforeEach(() => writePictures(join(folder.path, 'pictures')))

const inStore = (name: string, changes: Partial<RetrainingRun> = {}) =>
  tinyRun(folder.path, { store: join(folder.path, name), ...changes })
const filesOf = (store: string) => readdirSync(join(folder.path, store)).map((id) => join(folder.path, store, id))
const checkpointOf = (store: string) => join(filesOf(store)[0], 'checkpoint')

/** The result without its timing, as it lies on disk. */
function resultOf(store: string): string {
  const { timing, ...rest } = JSON.parse(readFileSync(join(filesOf(store)[0], 'result.json'), 'utf8'))
  expect(timing.wallSeconds).toBeGreaterThan(0)
  expect(timing.peakMemoryBytes).toBeGreaterThan(1e6)
  return JSON.stringify(rest)
}

/** Trains until so many epochs are finished, then stops as a killed process does: in the middle of the next. */
async function trainUntil(epochs: number, run: RetrainingRun): Promise<void> {
  const report = (progress: RetrainingProgress) => {
    if (progress.kind === 'training' && progress.share > (epochs + 0.4) / run.settings.epochs) throw new Error('killed')
  }
  await expect(retrain({ ...run, report })).rejects.toThrow('killed')
}

describe('a full training', () => {
  test('reports the final epoch first, and the best one beside it', async () => {
    const record = await retrain(await inStore('whole'))
    const tested = record.epochs.map(({ testAccuracyPct }) => testAccuracyPct)
    expect(record.testAccuracyPct).toBe(tested[2])
    expect(record.best.testAccuracyPct).toBe(Math.max(...tested))
    expect(record.best.epoch).toBe(tested.indexOf(Math.max(...tested)))
    expect(record.testTop5AccuracyPct).toBe(100)
    expect(record.epochs.map(({ dropProbability }) => dropProbability)).toEqual([0, 0.5 / 3, 1 / 3])
    expect(record.epochs.every(({ trainLoss }) => Number.isFinite(trainLoss))).toBe(true)
  })

  test('goes on to the same bits where it was broken off, in whatever epoch', async () => {
    await retrain(await inStore('whole'))
    const run = await inStore('broken off')
    await trainUntil(1, run)
    await trainUntil(2, run)
    await retrain(run)
    expect(resultOf('broken off')).toBe(resultOf('whole'))
    expect(existsSync(checkpointOf('broken off'))).toBe(false)
  })

  test('fails in the epoch in which a number is not finite, and keeps the checkpoint of the epoch before', async () => {
    const { settings } = await inStore('diverging')
    const learningRate = { ...settings.learningRate, schedule: 'exponential' as const, decay: 1e32 }
    const weights = { ...settings.weights, clipNorm: null }
    const diverging = await inStore('diverging', { settings: { ...settings, learningRate, weights } })
    const message =
      /^epoch 2 of 3: the (training loss|norm of the network weights) is (NaN|Infinity), not a finite number;/
    await expect(retrain(diverging)).rejects.toThrow(message)
    expect(readdirSync(filesOf('diverging')[0])).toEqual(['checkpoint'])
    await expect(retrain(diverging)).rejects.toThrow(message)
  })

  test('is not run again once it is finished', async () => {
    const first = await retrain(await inStore('store'))
    const noExecutor = () => Promise.reject(new Error('nothing is to be trained'))
    expect(await retrain(await inStore('store', { executor: noExecutor }))).toEqual(first)
  })

  test('of another genotype, seed or setting is another training', async () => {
    const run = await inStore('store')
    await retrain(run)
    await retrain({ ...run, seed: 1 })
    await retrain({ ...run, genotype: parseCells('PCDARTS') })
    await retrain({ ...run, settings: { ...run.settings, labelSmoothing: 0 } })
    expect(filesOf('store')).toHaveLength(4)
  })

  test('refuses a checkpoint from another genotype', async () => {
    await trainUntil(1, await inStore('one'))
    const other = await inStore('other', { genotype: parseCells('PCDARTS') })
    await trainUntil(1, other)
    copyFileSync(checkpointOf('one'), checkpointOf('other'))
    await expect(retrain(other)).rejects.toThrow(
      /other\/retrain-.*\/checkpoint is of retrain-pictures-seed0-.*, which has another genotype, .*; delete it to begin/,
    )
  })

  test('refuses a damaged checkpoint and a foreign result', async () => {
    const run = await inStore('store')
    await trainUntil(1, run)
    const bytes = readFileSync(checkpointOf('store'))
    bytes[bytes.length - 40] ^= 1
    writeFileSync(checkpointOf('store'), bytes)
    await expect(retrain(run)).rejects.toThrow(
      'checkpoint does not match its own hash; delete it to begin this training',
    )
    const path = join(filesOf('store')[0], 'result.json')
    writeFileSync(path, '{"schema": 1, "id": "retrain-other"}')
    await expect(retrain(run)).rejects.toThrow(/result.json is not the result of a training: seed: expected/)
    rmSync(path)
    rmSync(checkpointOf('store'), { force: true })
    const record = await retrain(run)
    writeFileSync(path, JSON.stringify({ ...record, id: 'retrain-other' }))
    await expect(retrain(run)).rejects.toThrow(/result.json is the result of retrain-other, not of retrain-pictures-/)
  })

  test('of two processes is run by one, and the other waits for it', async () => {
    const run = await inStore('store')
    const waited: RetrainingProgress[] = []
    const report = (progress: RetrainingProgress) => progress.kind === 'waiting' && waited.push(progress)
    const [one, other] = await Promise.all([retrain(run), retrain({ ...run, report })])
    expect(one).toEqual(other)
    expect(waited).toHaveLength(1)
  })
})

describe('the evaluator', () => {
  const evaluator = async (changes: { seeds?: readonly number[] } = {}) => {
    const { settings, genotype: _, seed: __, ...run } = await inStore('store')
    return retrainingEvaluator({ ...run, task: { settings, ...changes }, searchSeed: 7, format: darts.format })
  }

  test('trains with the seed of the search, or with all that are asked for and their mean', async () => {
    const genotype = parseCells('DARTS_V1')
    const { metrics, trainings } = await (await evaluator()).evaluate(genotype)
    expect(metrics.map(({ seed, split, epochs }) => [seed, split, epochs])).toEqual([
      [7, 'ori-test', 3],
      ['mean', 'ori-test', 3],
    ])
    expect(trainings).toMatchObject([{ seed: 7 }])
    const several = await (await evaluator({ seeds: [7, 8] })).evaluate(genotype)
    const [seven, eight, mean] = several.metrics.map(({ accuracyPct }) => accuracyPct)
    expect(seven).toBe(metrics[0].accuracyPct)
    expect(mean).toBe((seven + eight) / 2)
    expect(several.parameters).toBeGreaterThan(0)
  })

  test('trains nothing to answer a lookup or a black-box search', async () => {
    const genotype = parseCells('DARTS_V1')
    expect(await (await evaluator()).lookup(genotype)).toBeUndefined()
    await expect((await evaluator()).validate(genotype)).rejects.toThrow(/a black-box search asks for many accuracies/)
  })
})

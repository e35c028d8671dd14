import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { loadImage } from '@napi-rs/canvas'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { measureClassification } from '../../src/analysis/classification.ts'
import type { Executor } from '../../src/core/executor.ts'
import { openTestImages, type TestImagesRequest } from '../../src/export/modelImages.ts'
import { evaluateModel } from '../../src/export/runModel.ts'
import { type ModelRequest, openTrainedModel, parseWeightsChoice } from '../../src/export/trainedModel.ts'
import { confusionFigure } from '../../src/report/figures/confusion.ts'
import { openImages } from '../../src/retrain/images.ts'
import { retrain } from '../../src/retrain/retrain.ts'
import { resolveSettings } from '../../src/retrain/settings.ts'
import type { TrainingRecord } from '../../src/retrain/trainingRecord.ts'
import { Store } from '../../src/runner/store/store.ts'
import { builtinSpaces } from '../../src/spaces/index.ts'
import { png, write } from '../data/sampleFiles.ts'
import { tinyRun, writePictures } from '../retrain/tinyTraining.ts'
import { Workplace } from '../support/command.ts'
import { full, someOf } from '../support/full.ts'

const place = new Workplace()
afterAll(() => place.remove())
const at = (...names: string[]) => join(place.folder, ...names)
const request = (changes: Partial<ModelRequest> = {}): ModelRequest => ({
  ...{ store: new Store(at('runs')), spaces: Object.values(builtinSpaces), ...changes },
})

let executor: Executor
let small: TrainingRecord
let photographs: TrainingRecord

beforeAll(async () => {
  await writePictures(at('pictures'), { perClass: 6 })
  const run = await tinyRun(place.folder, { keep: { every: 1 } })
  executor = await run.executor()
  small = await retrain(run)
  const settings = resolveSettings(
    { preset: 'trial', family: 'imagenet', epochs: 1, channels: 4, layers: 3, batchSize: 5, imageSize: 32 },
    'pictures',
  )
  const images = await openImages({ name: 'pictures', folder: at('pictures'), settings })
  photographs = await retrain({ ...run, keep: undefined, settings, images })
})

const model = (record: TrainingRecord, changes: Partial<ModelRequest> = {}) =>
  openTrainedModel(record.id, request(changes))

async function measured(record: TrainingRecord, changes: Partial<TestImagesRequest>) {
  const opened = model(record)
  const images = await openTestImages(opened, { batchSize: 5, ...changes })
  try {
    return await evaluateModel(opened, executor, images, 5, () => undefined)
  } finally {
    await images.close?.()
  }
}

describe('a trained network, measured again', () => {
  test.each(['kept in memory', 'streamed'])('has the accuracy of its training on images that are %s', async (kind) => {
    const record = kind === 'streamed' ? photographs : small
    const measures = await measured(record, { folder: at('pictures') })
    expect(measures.images).toBe(2)
    expect(measures.top1Pct).toBe(record.testAccuracyPct)
  })

  test.each(['kept in memory', 'streamed'])(
    'takes a folder of class folders like a test set, for a training on images that are %s',
    async (kind) => {
      const record = kind === 'streamed' ? photographs : small
      const whole = await measured(record, { folder: at('pictures') })
      expect(await measured(record, { folder: at('pictures/val') })).toEqual(whole)
      expect(await measured(record, { dataset: at('pictures/val') })).toEqual(whole)
      // The training images as a test set.
      const { images, confusion } = await measured(record, { dataset: at('pictures/train') })
      expect(images).toBe(12)
      expect(confusion.flat().reduce((sum, n) => sum + n, 0)).toBe(12)
    },
  )

  test('is found by the beginning of its id that no other run has', () => {
    expect(openTrainedModel(small.id.slice(0, -4), request()).record).toEqual(small)
  })

  test.each(someOf(['cifar', 'imagenet'] as const, 2))(
    'of a folder that its training divided uses the test images alone (%s)',
    async (family) => {
      cpSync(at('pictures/train'), at('whole'), { recursive: true })
      const changes = { preset: 'trial', family, epochs: 1, channels: 4, layers: 3, batchSize: 5, imageSize: 32 }
      const settings = resolveSettings(changes, 'whole')
      const images = await openImages({ name: 'whole', folder: at('whole:test=0.34,seed=3'), settings })
      const record = await retrain(await tinyRun(place.folder, { settings, images }))
      const lines: string[] = []
      const measures = await measured(record, { folder: at('whole'), report: (line) => lines.push(line) })
      expect(measures.images).toBe(4)
      expect(measures.top1Pct).toBe(record.testAccuracyPct)
      expect(lines.at(-1)).toMatch(/whole has the images of the training; only its 4 test images are used$/)
      expect((await measured(record, { dataset: at('pictures/train') })).images).toBe(4)
      expect((await measured(record, { dataset: at('pictures/val') })).images).toBe(2)
    },
  )

  test('gives other results with the weights of another epoch', async () => {
    const [first, final] = [model(small, { weights: { epochs: 1 } }), model(small)]
    expect(first.weights.epochs).toBe(1)
    expect(final.weights.epochs).toBe(3)
    expect(Buffer.from(first.state.weights.buffer).equals(Buffer.from(final.state.weights.buffer))).toBe(false)
    expect(model(small, { weights: 'best' }).weights.epochs).toBe(small.best.epoch + 1)
  })

  test('whose training weighted the classes is measured on any images of them', async () => {
    const { record, ...opened } = model(small)
    const { job } = record
    // With one training image, one of the two classes has none, so that it would have no weight.
    const data = { ...job.settings.data, limit: 1, classWeights: 'balanced' as const }
    const weighted = { ...record, job: { ...job, settings: { ...job.settings, data } } }
    const request = { folder: at('pictures'), batchSize: 5 }
    expect((await openTestImages({ ...opened, record: weighted }, request)).count).toBe(2)
  })

  test('skips an image that cannot be decoded, or names it', async () => {
    cpSync(at('pictures/val'), at('broken'), { recursive: true })
    write(at('broken/dog/9.png'), 'no image')
    const lines: string[] = []
    const skipping = { folder: at('broken'), brokenImages: 'skip' as const, report: (line: string) => lines.push(line) }
    expect((await measured(small, skipping)).images).toBe(2)
    expect(lines).toEqual([expect.stringMatching(/^skipped: .*9\.png cannot be decoded/)])
    await expect(measured(small, { folder: at('broken') })).rejects.toThrow(
      /9\.png cannot be decoded .*with --broken-images skip$/,
    )
  })
})

describe('images that do not fit the network are refused in one line:', () => {
  test('a class without images', async () => {
    cpSync(at('pictures/val/cat'), at('lacking/cat'), { recursive: true })
    cpSync(at('pictures/val/cat'), at('lacking/top/cat'), { recursive: true })
    mkdirSync(at('lacking/dog'))
    await expect(measured(small, { dataset: at('lacking') })).rejects.toThrow(
      /^lacking has no test images of class "dog", which the network tells apart; add some$/,
    )
  })

  test.each(['small', 'photographs'])('classes that it does not know (%s)', async (kind) => {
    const record = kind === 'small' ? small : photographs
    await writePictures(at('others'))
    for (const split of ['train', 'val']) {
      if (kind === 'small') renameSync(at('others', split, 'dog'), at('others', split, 'elk'))
    }
    for (const folder of [at('others'), at('others/val')]) {
      await expect(measured(record, { folder })).rejects.toThrow(
        'pictures has class "elk", and the network tells apart classes "cat", "dog"; name images of these classes',
      )
    }
    await expect(measured(record, { dataset: 'shapes' })).rejects.toThrow(/tells apart|not a folder/)
  })

  test('a folder as dataset and as --data', async () => {
    const twice = { dataset: './pictures', folder: at('pictures') }
    await expect(measured(small, twice)).rejects.toThrow(/is a folder already; leave out --data/)
  })
})

describe('a run without a trained network is refused in one line:', () => {
  const open = (argument: string, changes: Partial<ModelRequest> = {}) => openTrainedModel(argument, request(changes))

  test('no run of that name', () => {
    expect(() => open('nowhere')).toThrow(
      /^there is no run nowhere in the store .*; `bench status --store .*` lists the runs/,
    )
    expect(() => open('retrain-pictures-seed0')).toThrow(
      /^2 runs begin with retrain-pictures-seed0: retrain-.*, retrain-.*; name one of them$/,
    )
    expect(() => open('./nowhere')).toThrow('there is no folder ./nowhere; name a run by its id or folder')
    expect(() => open(at('pictures'))).toThrow(/holds no trained network: there is no run.json or result.json$/)
  })

  test('a training that has not ended', () => {
    write(at('runs/retrain-begun/checkpoint'), '')
    expect(() => open('retrain-begun')).toThrow(/it is not finished; the same command continues it$/)
  })

  const copied = (name: string, change: (record: Record<string, unknown>) => void) => {
    cpSync(at('runs', small.id), at('runs', name), { recursive: true })
    const record = { ...JSON.parse(readFileSync(at('runs', name, 'result.json'), 'utf8')), id: name }
    change(record)
    writeFileSync(at('runs', name, 'result.json'), JSON.stringify(record))
  }

  test('a training of an earlier version', () => {
    copied('retrain-old', (record) => {
      delete record.weights
    })
    expect(() => open('retrain-old')).toThrow(
      /^retrain-old has no weights: an earlier version of this program trained it and kept none; move .* away and train/,
    )
  })

  test('weights that are gone, damaged, or of another network', () => {
    copied('retrain-gone', () => rmSync(at('runs/retrain-gone/weights.safetensors')))
    expect(() => open('retrain-gone')).toThrow(/weights.safetensors is gone; restore it, or move its folder away/)
    copied('retrain-damaged', () => {
      const path = at('runs/retrain-damaged/weights.safetensors')
      const bytes = readFileSync(path)
      bytes[bytes.length - 1] ^= 1
      writeFileSync(path, bytes)
    })
    expect(() => open('retrain-damaged')).toThrow(/does not match its hash in result.json; restore it from a copy$/)
    copied('retrain-other', ({ job }) => {
      const { settings } = job as { settings: { network: { channels: number } } }
      settings.network.channels = 8
    })
    expect(() => open('retrain-other')).toThrow(/does not fit darts network, C=8 L=3: stem.conv.weight has shape/)
  })

  test('weights that were not kept, and a family of spaces that is not there', () => {
    expect(() => model(small, { weights: { epochs: 9 } })).toThrow(
      /did not keep the weights after 9 epochs but those after 1, 2, 3; name one of these, or train again with --keep$/,
    )
    expect(() => open(small.id, { spaces: [] })).toThrow(/^unknown family of search spaces \(--plugin names/)
    expect(() => parseWeightsChoice('latest')).toThrow(/^--weights latest: expected final, best, or a number of epochs/)
  })
})

describe('bench evaluate', () => {
  const SMALL = ['--preset', 'trial', '--channels', '4', '--layers', '3', '--batch-size', '8', '--epochs', '1']
  const training = ['--genotype', 'DARTS_V2', '--dataset', 'pictures', '--data', 'pictures', '--image-size', '8']
  const bench = (...args: string[]) => place.bench(...args, '--store', 'own')

  test('takes the run of a training, prints table and JSON, draws, and asks for a seed where there are several', async () => {
    expect(await bench('retrain', ...training, ...SMALL, '--jobs', '1', '--quiet')).toMatchObject({ code: 0 })
    const run =
      place
        .runs('own')
        .map((path) => basename(path))
        .find((id) => id.startsWith('genotype-')) ?? ''
    const args = [
      'evaluate',
      'genotype-pictures',
      '--data',
      'pictures',
      '--picture',
      'confusion.svg',
      '--picture',
      'confusion.png',
    ]
    const { code, stdout } = await bench(...args, '--json')
    expect(code).toBe(0)
    const answer = JSON.parse(stdout)
    expect(answer).toMatchObject({
      dataset: 'pictures',
      images: 2,
      weights: { epochs: 1, file: 'weights.safetensors' },
    })
    expect(answer.classes.map(({ name }: { name: string }) => name)).toEqual(['cat', 'dog'])
    expect(answer.confusion.flat().reduce((sum: number, n: number) => sum + n, 0)).toBe(2)
    expect(readFileSync(at('confusion.svg'), 'utf8')).toContain('<svg')
    expect((await loadImage(at('confusion.png'))).width).toBeGreaterThan(1000)

    const table = await bench('evaluate', join('own', run), '--data', 'pictures', '--format', 'md')
    expect(table.stdout).toContain(`| all | 2 | ${answer.top1Pct.toFixed(2)} |`)
    expect(table.stdout).toMatch(/\| cat \| 1 \| \d+\.\d\d \|/)
    expect(table.stdout).toContain('expected calibration error')

    const path = at('own', run, 'result.json')
    const record = JSON.parse(readFileSync(path, 'utf8'))
    const trainings = [...record.trainings, { ...record.trainings[0], seed: 7 }]
    writeFileSync(path, JSON.stringify({ ...record, trainings }))
    expect(await bench('evaluate', run)).toMatchObject({
      ...{ code: 2, stdout: '' },
      stderr: `bench: run ${run} has 2 trainings; name one of the training seeds 0, 7 with --seed\n`,
    })
    if (!full) return
    writeFileSync(path, JSON.stringify({ ...record, trainings: undefined }))
    const { stderr } = await bench('evaluate', run)
    expect(stderr).toMatch(/has no weights: its architecture .* was not trained in full; train it, .*`bench retrain/)
  })

  test('says in one line which images it cannot read', async () => {
    expect(await place.bench('evaluate', small.id, '--data', 'nowhere')).toMatchObject({
      ...{ code: 2, stdout: '', stderr: expect.stringMatching(/^bench: dataset pictures: there is no nowhere; .*\n$/) },
    })
  })
})

test('the picture has the numbers of the table: of all classes, and of each', () => {
  const logits = Float32Array.of(3, 1, 0, 0, 2, 1, 2, 0, 1, 0, 0, 4)
  const measures = measureClassification(logits, Int32Array.of(0, 1, 1, 2), 3)
  const classNames = ['cat', 'dog', 'elk']
  const [matrix] = confusionFigure({ training: 'x', epochs: 1, dataset: 'y', classNames, measures }).panels
  const texts = matrix.kind === 'drawing' ? matrix.shapes.flatMap((s) => (s.kind === 'text' ? [s.text] : [])) : []
  expect(measures).toMatchObject({ top1Pct: 75, classes: [{ accuracyPct: 100 }, { accuracyPct: 50 }, {}] })
  expect(texts[1]).toBe(`top-1 75.0 %, balanced 83.3 %, mAP ${measures.meanAveragePrecisionPct.toFixed(1)} %`)
  const columns = texts.slice(texts.indexOf('acc. %'), texts.indexOf('predicted class') - classNames.length)
  const precisions = measures.classes.map(({ averagePrecisionPct = 0 }) => averagePrecisionPct.toFixed(1))
  expect(columns).toEqual(['acc. %', '100.0', '50.0', '100.0', 'AP %', ...precisions])
})

test('images of another size than the network’s are scaled to it', async () => {
  for (const name of ['cat', 'dog']) write(at('large', name, '0.png'), await png(200, 45, 99, 20))
  expect((await measured(small, { dataset: at('large') })).images).toBe(2)
  expect((await measured(photographs, { dataset: at('large') })).images).toBe(2)
})

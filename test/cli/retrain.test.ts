import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { darts } from '../../src/spaces/darts/index.ts'
import { png, write } from '../data/sampleFiles.ts'
import { writePictures } from '../retrain/tinyTraining.ts'
import { Workplace, withLastValues } from '../support/command.ts'
import { full, someOf } from '../support/full.ts'

let place: Workplace
beforeEach(async () => {
  place = new Workplace()
  await writePictures(join(place.folder, 'pictures'), { side: 32 })
})
afterEach(() => place.remove())

const SMALL = ['--channels', '4', '--layers', '3', '--batch-size', '8', '--epochs', '1']
/** Small images, which are kept in memory. */
const inMemory = (...args: string[]) =>
  withLastValues(['retrain', '--dataset', 'pictures', '--data', 'pictures', '--preset', 'trial', ...SMALL, ...args])
/** Photographs, which are decoded when needed. */
const streamed = (...args: string[]) =>
  withLastValues(['retrain', '--dataset', './pictures', '--image-size', '32', '--no-auxiliary', ...SMALL, ...args])

/** A training long enough to be killed midway. */
const LONG = inMemory('--epochs', '12', '--limit', '8', '--jobs', '1')

describe('bench retrain', () => {
  test('prints test error and size over the seeds, and prints the same from the store', async () => {
    const others = full ? ['--genotype', 'pcdarts'] : []
    const args = inMemory('--genotype', 'DARTS_V2', ...others, '--seeds', '2', '--jobs', '1', '--format', 'md')
    const first = await place.bench(...args)
    expect(first).toMatchObject({ code: 0 })
    expect(first.stdout).toMatch(/\| DARTS_V2 \| 2 \| \**\d+\.\d\d ± \d+\.\d\d\** \| — \|/)
    if (full) expect(first.stdout).toMatch(/\| PCDARTS \| 2 \|/)
    expect(first.stdout).toContain(
      'preset trial, 1 epoch, at most 2000 training images at 16×16, batch 8, C=4, 3 cells',
    )
    const again = await place.bench(...args)
    expect(again.stdout).toBe(first.stdout)
    expect(again.stderr).toContain(full ? '4 trainings, 4 finished' : '2 trainings, 2 finished')
  })

  test.runIf(full)('accepts the genotype as name, text or file', async () => {
    const { stdout } = await place.bench(...inMemory('--genotype', 'DRNAS', '--json'))
    const [{ genotype }] = JSON.parse(stdout).runs
    const search = { id: 'gdas-x', algorithm: 'gdas', dataset: 'cifar10', seed: 2, genotype }
    writeFileSync(join(place.folder, 'result.json'), JSON.stringify(search))
    for (const argument of [genotype, 'result.json']) await place.bench(...inMemory('--genotype', argument, '--quiet'))
    expect(place.runs('runs')).toHaveLength(2)
  })

  test('trains cells of NAS-Bench-201 named by index, text and run, with a batch larger than the data', async () => {
    const small = ['--preset', 'nb201-paper', '--epochs', '1', '--channels', '4', '--layers', '1']
    const retrain = (...args: string[]) => place.bench('retrain', ...args, ...small, '--store', 'cells')
    const first = await retrain('--dataset', 'pictures', '--data', 'pictures', '--genotype', '6111')
    expect(first.stderr + first.stdout).toContain('all training images, batch 256, C=4, 1 cell a stage')
    expect(first.stdout).toMatch(/^#6111 +1 +\d+\.\d\d /m)
    const run = place.runs('cells').find((path) => !path.includes('retrain-')) ?? ''
    const { job } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))
    expect(job).toMatchObject({ space: 'nb201', retraining: { settings: { preset: 'nb201-paper', batchSize: 256 } } })
    const again = await retrain('--dataset', 'pictures', '--data', 'pictures', '--genotype', basename(run), '--json')
    expect(JSON.parse(again.stdout).runs).toMatchObject([{ genotype: job.algorithm.options.genotype }])
    expect(place.runs('cells')).toHaveLength(2)
  })

  test.runIf(full)('scales a folder of photographs of several sizes for cells of NAS-Bench-201', async () => {
    write(join(place.folder, 'pictures/train/dog/9.png'), await png(1, 2, 3, 40))
    const args = ['--dataset', './pictures', '--image-size', '16', '--epochs', '1', '--channels', '4', '--layers', '1']
    const { code, stdout } = await place.bench('retrain', '--genotype', '6111', ...args)
    expect(code).toBe(0)
    expect(stdout).toContain('all training images at 16×16, batch 256, C=4, 1 cell a stage')
  })

  test('divides a folder of unequal classes, draws them equally often, and records both', async () => {
    for (const [name, count] of [
      ['cat', 8],
      ['dog', 4],
    ] as const) {
      for (let i = 0; i < count; i++) write(join(place.folder, `classes/${name}/${i}.png`), await png(9 * i, 9, 9, 32))
    }
    const args = ['--dataset', './classes:test=0.25,seed=3', '--sampling', 'balanced', '--image-size', '32', ...SMALL]
    const { code, stderr } = await place.bench(
      'retrain',
      '--genotype',
      'DARTS_V2',
      '--no-auxiliary',
      ...args,
      '--out',
      'table.txt',
    )
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /classes has no train\/ and test\/: 25 % of each class, 3 images drawn by seed 3, are the test/,
    )
    const files = place
      .runs('runs')
      .map((path) => readFileSync(join(path, path.includes('retrain-') ? 'result.json' : 'run.json'), 'utf8'))
    expect(files).toHaveLength(2)
    for (const file of files) {
      const { dataset } = JSON.parse(file).job
      expect(dataset).toMatchObject({ name: 'classes', split: { testPortion: 0.25, seed: 3 } })
    }
    expect(files.join()).toContain('"sampling"')
    if (!full) return
    const weighted = ['--preset', 'nb201-paper', '--dataset', './classes', '--image-size', '8', '--epochs', '1']
    const cell = [...weighted, '--channels', '4', '--layers', '1', '--json', '--store', 'weighted']
    const train = (...more: string[]) => place.bench('retrain', '--genotype', '6111', ...cell, ...more)
    const results = [await train(), await train('--class-weights', 'balanced')]
    const found = results.map(({ stdout }) => JSON.parse(stdout))
    expect(found[1].notes.join()).toContain('classes weighted equally in the loss')
    expect(found[0].runs[0].trainings[0].id).not.toBe(found[1].runs[0].trainings[0].id)
    const losses = place
      .runs('weighted')
      .filter((path) => path.includes('retrain-'))
      .map((path) => JSON.parse(readFileSync(join(path, 'result.json'), 'utf8')))
    expect(losses.map(({ job }) => job.settings.data.classWeights).sort()).toEqual(['balanced', undefined])
    expect(losses[0].epochs[0].trainLoss).not.toBe(losses[1].epochs[0].trainLoss)
    const twice = await train('--class-weights', 'balanced', '--sampling', 'balanced')
    expect(twice).toMatchObject({ code: 2, stdout: '' })
    expect(twice.stderr).toContain('leave one of them out')
    for (const [options, message] of [
      [['--class-weights', 'cat=1,dgo=2'], /^bench: unknown class in the class weights: "dgo"; did you mean "dog"/],
      [['--class-weights', 'cat=1'], /^bench: class weights: no weight for class "dog"; state one for each class\n$/],
    ] as const) {
      const refused = await train(...options)
      expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) })
    }
    const lost = await train('--class-weights', 'balanced', '--limit', '1')
    expect(lost).toMatchObject({ code: 2 })
    expect(lost.stderr).toMatch(/class (cat|dog) has none of the 1 training image/)
  })

  test('records and shows which search found the architecture', async () => {
    const genotype = darts.format(darts.parse('DRNAS')).replaceAll('dil_conv_5x5', 'sep_conv_5x5')
    const search = { id: 'gdas-x', algorithm: 'gdas', dataset: 'cifar10', seed: 2, genotype }
    writeFileSync(join(place.folder, 'result.json'), JSON.stringify(search))
    const { stdout } = await place.bench(...inMemory('--genotype', 'result.json', '--store', 'found'))
    const [run] = place.runs('found').filter((path) => existsSync(join(path, 'run.json')))
    expect(JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')).foundBy).toEqual({
      ...{ run: 'gdas-x', algorithm: 'gdas', dataset: 'cifar10', seed: 2 },
    })
    for (const text of [stdout, (await place.bench('table', '--store', 'found')).stdout]) {
      expect(text).toMatch(/^gdas \(seed 2 on cifar10\) +1 /m)
    }
  })

  test('resumes after kill -9 to the same bits', async () => {
    const args = [...LONG, '--genotype', 'DARTS_V2', '--json', '--store']
    const training = await place.killAtCheckpoint([...args, 'killed'], 'killed')
    expect(existsSync(join(training, 'result.json'))).toBe(false)
    expect(await place.bench(...args, 'killed')).toMatchObject({ code: 0 })
    await place.bench(...args, 'whole')
    expect(place.results('killed')).toEqual(place.results('whole'))
  })

  test('streams a folder of photographs by the settings of ImageNet', async () => {
    const jpeg = await sharp(await png(9, 99, 199, 48))
      .jpeg()
      .toBuffer()
    write(join(place.folder, 'pictures/train/cat/9.jpg'), jpeg)
    const { code, stdout } = await place.bench(...streamed('--genotype', 'PCDARTS_IMAGENET', '--epochs', '2', '--json'))
    expect(code).toBe(0)
    const [run] = JSON.parse(stdout).runs
    expect(run).toMatchObject({ dataset: 'pictures', trainings: [{ seed: 0, testTop5AccuracyPct: 100 }] })
    const training = place.runs('runs').find((path) => path.includes('retrain-')) ?? ''
    const { job, epochs } = JSON.parse(readFileSync(join(training, 'result.json'), 'utf8'))
    expect(job.settings).toMatchObject({ labelSmoothing: 0.1, network: { family: 'imagenet' } })
    const rounded = epochs.map(({ trainLoss }: { readonly trainLoss: number }) => Number(trainLoss.toPrecision(6)))
    expect(run.trainings[0].curves.trainLoss).toEqual(rounded)
    expect(run.trainings[0].curves.testAccuracyPct).toHaveLength(epochs.length)
    expect(epochs.map((epoch: { learningRate: number }) => epoch.learningRate)).toEqual([0.1, 0.097])
  })

  test.runIf(full)('skips a broken photograph with --broken-images skip, and reports it once', async () => {
    write(join(place.folder, 'pictures/train/dog/9.jpg'), 'not a picture')
    const args = streamed('--genotype', 'DARTS_V2', '--broken-images', 'skip', '--batch-size', '9')
    const { code, stderr } = await place.bench(...args)
    expect(code).toBe(0)
    expect(stderr.match(/skipped: .*pictures\/train\/dog\/9\.jpg cannot be decoded/g)).toHaveLength(1)
  })
})

describe('bench run --evaluate retrain', () => {
  test('trains the found architecture, and prints its cost and published cells', async () => {
    writeFileSync(
      join(place.folder, 'trial.yaml'),
      [
        'space: darts',
        'algorithms: [darts-v1, { name: genotype, options: { genotype: DRNAS } }]',
        'datasets: pictures',
        'data: { pictures: pictures }',
        'protocol: micro:epochs=1,batchSize=4',
        'seeds: [0]',
        'evaluate: { retrain: { preset: trial, epochs: 1, channels: 4, layers: 3 } }',
      ].join('\n'),
    )
    const { code, stdout } = await place.bench('run', 'trial.yaml', '--format', 'csv', '--quiet')
    expect(code).toBe(0)
    const [head, searched, published] = stdout.split('\n')
    expect(head).toContain('searchCost')
    expect(searched).toMatch(/^darts-v1,1,.*,\d[\d.e-]*,core hours,/)
    expect(published).toMatch(/^DRNAS,1,/)
    const table = await place.bench('table', '--format', 'csv', '--published', 'none')
    expect(table.stdout).toBe(stdout)
  })

  test.runIf(full)('reports the metric of the user’s choice in the search, the training and the table', async () => {
    const search = ['run', '--algo', 'darts-v1,rsps', '--space', 'darts', '--dataset', 'pictures', '--data', 'pictures']
    const small = ['--protocol', 'micro:epochs=1,batchSize=4', '--seeds', '1', '--option', 'rsps.candidates=2']
    const training = ['--evaluate', 'retrain:preset=trial,epochs=1,channels=4,layers=3', '--metric', 'mAP']
    const { code, stdout } = await place.bench(...search, ...small, ...training, '--format', 'csv')
    expect(code).toBe(0)
    const [head, ...rows] = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(','))
    expect(head?.[2]).toBe('testMetricPct mean')
    expect(rows.map((row) => row[0])).toEqual(['darts-v1', 'rsps'])
    for (const run of place.runs('runs').filter((path) => !path.includes('retrain-'))) {
      const [epoch] = readFileSync(join(run, 'epochs.jsonl'), 'utf8').split('\n')
      const { validMetricPct } = JSON.parse(epoch ?? '')
      const { trainings } = JSON.parse(readFileSync(join(run, 'result.json'), 'utf8'))
      for (const value of [validMetricPct, trainings[0].testMetricPct]) {
        expect(value > 0 && value <= 100, `${run}: ${value}`).toBe(true)
      }
    }
    expect((await place.bench('table')).stdout).toContain('Test mAP (%)')
  })

  test.runIf(full)('ends a search of NAS-Bench-201’s space on images without a table in a training', async () => {
    const images = ['--space', 'nb201', '--dataset', 'pictures', '--data', 'pictures', '--seeds', '1']
    const search = ['run', '--algo', 'darts-v1', ...images, '--protocol', 'micro:epochs=1,batchSize=4']
    const refused = await place.bench(...search)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(
      /no table of nb201 has pictures .*; or add --evaluate retrain, which trains what is found/,
    )
    const { code, stdout } = await place.bench(...search, '--evaluate', 'retrain:epochs=1,channels=4,layers=1')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^darts-v1 +1 +\d+\.\d\d /m)
  })

  test.runIf(full)('without it prints how to train the found architecture', async () => {
    const protocol = 'micro:epochs=1,batchSize=4'
    const search = ['run', '--algo', 'darts-v1', '--space', 'darts', '--dataset', 'pictures', '--data', 'pictures']
    const { stdout } = await place.bench(...search, '--protocol', protocol, '--seeds', '1', '--metric', 'mAP', '--json')
    const { commands, runs } = JSON.parse(stdout)
    expect(runs[0].validMetricPct).toBeGreaterThan(0)
    const [line] = commands
    expect(line).toMatch(
      /^bench retrain --genotype runs\/darts-v1-pictures-seed0-\w+\/result\.json --dataset pictures --data pictures --metric mAP$/,
    )
  })
})

describe('bad input ends the command with status 2 and one line', () => {
  const cell = "('sep_conv_3x3', 0), ('sep_conv_3x3', 1)"
  const genotype = (normal: string) => `Genotype(normal=[${normal}], reduce=[${Array(4).fill(cell)}])`
  const PICTURES = 'pictures'

  const cases: [string, string[], () => unknown, RegExp][] = [
    [
      'a cell with one input too few',
      inMemory('--genotype', genotype(`${Array(3).fill(cell)}, ('sep_conv_3x3', 1)`)),
      () => {},
      /normal cell: found 7 inputs, expected 8: two for each of nodes 2 to 5/,
    ],
    [
      'an unknown preset',
      streamed('--genotype', 'DRNAS', '--preset', 'drnas-papr'),
      () => {},
      /unknown preset "drnas-papr"; did you mean "drnas-paper"\?/,
    ],
    [
      'a broken photograph',
      streamed('--genotype', 'DRNAS'),
      () => write(join(place.folder, PICTURES, 'train/dog/9.jpg'), 'not a picture'),
      /pictures\/train\/dog\/9\.jpg cannot be decoded \(.*\); replace it, or skip such files with --broken-images skip/,
    ],
    [
      'a broken small image',
      inMemory('--genotype', 'DRNAS'),
      () => write(join(place.folder, PICTURES, 'train/dog/9.png'), 'not a picture'),
      /pictures\/train\/dog\/9\.png cannot be decoded \(.*\); replace it, or skip such files with --broken-images skip/,
    ],
    [
      'an empty class',
      streamed('--genotype', 'DRNAS'),
      () => ['train', 'val'].map((side) => mkdirSync(join(place.folder, PICTURES, side, 'emu'))),
      /pictures\/train: no JPEG or PNG files in class "emu"/,
    ],
    [
      'classes that differ between train and val',
      streamed('--genotype', 'DRNAS'),
      () => rmSync(join(place.folder, PICTURES, 'val/cat'), { recursive: true }),
      /pictures: class "cat" only in train\/; expected the same class folders on both sides/,
    ],
    ['images too small for the network', streamed('--genotype', 'DRNAS', '--image-size', '8'), () => {}, /cell1/],
    [
      'a folder that does not exist',
      ['retrain', '--genotype', 'DRNAS', '--dataset', './nowhere'],
      () => {},
      /dataset nowhere: \.\/nowhere is not a folder; name one with train\/ and val\/ by --data/,
    ],
    [
      'a preset for the cells of another space',
      ['run', '--algo', 'drnas', '--evaluate', 'retrain:preset=darts-paper'],
      () => {},
      /preset darts-paper is not for networks of nb201; take nb201-paper or trial/,
    ],
    [
      'a split of a folder that has one',
      ['retrain', '--genotype', 'DRNAS', '--dataset', './pictures:test=0.3'],
      () => {},
      /\.\/pictures has train\/ and test\/ of its own; leave out :test=0\.3,seed=0/,
    ],
    [
      'a metric that the lookup table does not have',
      ['run', '--algo', 'drnas', '--metric', 'mAP'],
      () => {},
      /metric mAP: table nb201\S* knows top-1 accuracies alone; add --evaluate retrain, or leave the metric out/,
    ],
    [
      'a metric of a run that trains nothing',
      ['run', '--algo', 'genotype', '--space', 'darts', '--metric', 'balanced'],
      () => {},
      /metric balanced: genotype trains no network; add --evaluate retrain, or leave the metric out/,
    ],
    [
      'an unknown metric',
      inMemory('--genotype', 'DRNAS', '--metric', 'map'),
      () => {},
      /unknown metric "map"; did you/,
    ],
    [
      'architectures of two spaces',
      inMemory('--genotype', 'DRNAS', '--genotype', '6111'),
      () => {},
      /--genotype DRNAS is of darts, 6111 of nb201; train them in two commands/,
    ],
    [
      'photographs of several sizes without a size for them',
      ['retrain', '--genotype', '6111', '--dataset', './pictures'],
      async () => write(join(place.folder, PICTURES, 'train/dog/9.png'), await png(1, 2, 3, 40)),
      /is (40×40|32×32), the others (32×32|40×40); make them one size, or scale all to one with --image-size 32/,
    ],
  ]
  test.each(someOf(cases, 8))('%s', async (_, args, spoil, message) => {
    await spoil()
    const { code, stderr } = await place.bench(...args, '--quiet')
    expect(stderr).toMatch(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(code).toBe(2)
  })

  test.runIf(full)('a checkpoint from another genotype', async () => {
    const args = (genotype: string, store: string) => [...LONG, '--genotype', genotype, '--store', store, '--quiet']
    const one = await place.killAtCheckpoint(args('DARTS_V2', 'one'), 'one')
    const other = await place.killAtCheckpoint(args('PCDARTS', 'other'), 'other')
    copyFileSync(join(one, 'checkpoint'), join(other, 'checkpoint'))
    const { code, stderr } = await place.bench(...args('PCDARTS', 'other'))
    expect(stderr).toMatch(/^bench: .*checkpoint is of retrain-pictures-seed0-\w+, which has another genotype, .*\n$/)
    expect(code).toBe(2)
  })
})

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import type { ResultRecord } from '../../src/core/result.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import { exportableModel, exportedFiles, untrainedModel } from '../../src/export/exportModel.ts'
import { imageFiles } from '../../src/export/modelImages.ts'
import { openTrainedModel } from '../../src/export/trainedModel.ts'
import { retrain } from '../../src/retrain/retrain.ts'
import type { TrainingRecord } from '../../src/retrain/trainingRecord.ts'
import { Store } from '../../src/runner/store/store.ts'
import { builtinSpaces } from '../../src/spaces/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { decodeSafetensors } from '../../src/system/safetensors.ts'
import { png, write } from '../data/sampleFiles.ts'
import { tinyRun, writePictures } from '../retrain/tinyTraining.ts'
import { Workplace } from '../support/command.ts'
import { someOf } from '../support/full.ts'
import { deathEnvironment } from '../support/killed.ts'

const place = new Workplace()
afterAll(() => place.remove())
const at = (...names: string[]) => join(place.folder, ...names)

let record: TrainingRecord
beforeAll(async () => {
  await writePictures(at('pictures'))
  record = await retrain(await tinyRun(place.folder))
})

const opened = () =>
  openTrainedModel(record.id, {
    store: new Store(at('runs')),
    spaces: Object.values(builtinSpaces) as SearchSpace[],
  })
const exported = () => exportableModel(opened())

describe('an export', () => {
  test('of weights has the final weights of the training without its auxiliary head', async () => {
    const [{ path, content }] = await exportedFiles(exported(), { formats: ['safetensors'], out: 'a/b.safetensors' })
    expect(path).toBe('a/b.safetensors')
    const kept = decodeSafetensors(readFileSync(at('runs', record.id, 'weights.safetensors')), 'kept')
    const { tensors, metadata } = decodeSafetensors(content as Uint8Array, 'exported')
    const byName = new Map(kept.tensors.map((tensor) => [tensor.name, tensor]))
    for (const { name, shape, values } of tensors) {
      expect(byName.get(name)?.shape, name).toEqual(shape)
      expect(
        values.every((value, i) => value === byName.get(name)?.values[i]),
        name,
      ).toBe(true)
    }
    expect(tensors.length).toBe(byName.size)
    expect(metadata).toMatchObject({ training: record.id, testAccuracyPct: String(record.testAccuracyPct) })
    expect(JSON.parse(metadata.input).classNames).toEqual(['cat', 'dog'])
  })

  test('with a model card has front matter that hubs read, and the numbers of the training', async () => {
    const files = await exportedFiles(exported(), { formats: ['card', 'onnx'], out: 'folder', licence: 'mit' })
    expect(files.map(({ path }) => path)).toEqual([join('folder', 'net.onnx'), join('folder', 'README.md')])
    const [, front, text] = String(files[1].content).split(/^---$/m)
    expect(parseYaml(front)).toMatchObject({
      ...{ license: 'mit', pipeline_tag: 'image-classification', datasets: ['pictures'] },
      'model-index': [{ name: record.id, results: [{ dataset: { name: 'pictures' } }] }],
    })
    expect(text).toContain(`**${record.testAccuracyPct.toFixed(2)} %**`)
    expect(text).toContain('| protocol | trial: 3 epochs, batch 5, seed 0 |')
    expect(text).toContain('| images | at most 8 training images, crops padded by 2, flips |')
    expect(text).toContain('The search is not included.')
    // Every image of two classes is among the five most probable.
    expect(front + text).not.toContain('top-5')
    expect(text).toContain('* `net.onnx`')
    expect(text).toContain('`cat`, `dog`')
  })

  test('has a model card that names the search, its cost, the metric and how the classes counted', async () => {
    const { record: own, ...model } = opened()
    const data = { ...own.job.settings.data, classWeights: { cat: 2, 'd|g': 1 } }
    const settings = { ...own.job.settings, metric: 'mAP' as const, data }
    const measured = { ...own, testMetricPct: 61.236, job: { ...own.job, settings } }
    const search = { seconds: 9000, device: 'gpu' as const }
    const run = {
      ...{ algorithm: 'drnas', seed: 3, protocol: 'micro', id: 'drnas-x' },
      timing: { wallSeconds: 1, startedAt: '', finishedAt: '', search },
    } as unknown as ResultRecord
    const [{ content }] = await exportedFiles(exportableModel({ ...model, record: measured, run }), {
      formats: ['card'],
    })
    const [, front, text] = String(content).split(/^---$/m)
    expect(parseYaml(front)['model-index'][0].results[0].metrics[1]).toEqual({
      ...{ type: 'mAP', name: 'mAP on the test images after the last epoch, %', value: 61.24 },
    })
    expect(text).toContain('| architecture found by | drnas, seed 3, protocol micro: run `drnas-x` |')
    expect(text).toContain(', class weights cat:2+d\\|g:1 |')
    expect(text).toContain('The search before it took 2.5 hours on a GPU.')
  })

  test('of an untrained architecture has random weights of its seed, at the size of the paper', async () => {
    const space = nb201 as unknown as SearchSpace
    const genotype = space.parse(nb201.format(nb201.numbering?.at(6111) as never))
    const of = async (seed: number) => {
      const [{ content }] = await exportedFiles(untrainedModel({ space, genotype, seed, dataset: 'ImageNet16-120' }), {
        formats: ['safetensors'],
      })
      return content as Uint8Array
    }
    const first = decodeSafetensors(await of(0), 'x')
    expect(first.metadata.weights).toBe('random, seed 0')
    expect(first.tensors.find(({ name }) => name === 'classifier.weight')?.shape).toEqual([120, 64])
    expect(Buffer.from(await of(0)).equals(await of(0))).toBe(true)
    expect(Buffer.from(await of(0)).equals(await of(1))).toBe(false)
    expect(() => untrainedModel({ space, genotype, seed: 0, dataset: 'cifr10' })).toThrow(/did you mean "cifar10"/)
  })
})

describe('bench export', () => {
  test('writes a file of the name given, and says so', async () => {
    const { code, stdout } = await place.bench('export', record.id, '--to', 'onnx', '--out', 'my.net.onnx', '--json')
    expect(code).toBe(0)
    const bytes = readFileSync(at('my.net.onnx'))
    expect(JSON.parse(stdout)).toEqual({
      ...{ network: 'darts network, C=4 L=3', files: [{ path: 'my.net.onnx', bytes: bytes.length }] },
    })
    expect(fromBinary(ModelProtoSchema, bytes).graph?.output[0].name).toBe('logits')
  })

  const refusals: readonly [string, string[], string | RegExp][] = [
    ['an unknown format', ['--to', 'onyx'], /^bench: unknown format "onyx"; did you mean "onnx"\?/],
    [
      'a file with another ending',
      ['--to', 'onnx', '--out', 'a.onx'],
      '--out a.onx: a file of --to onnx ends in .onnx',
    ],
    ['a licence without a card', ['--to', 'onnx', '--licence', 'mit'], '--licence is for the model card'],
    ['a dataset for a trained network', ['--to', 'onnx', '--dataset', 'cifar10'], '--dataset is for --untrained'],
    ['several formats into a file', ['--to', 'onnx,card', '--out', 'pictures.txt'], 'is a file; several formats need'],
  ]
  test('refuses in one line, and writes nothing, where the command or the run is unusable', async () => {
    writeFileSync(at('pictures.txt'), '')
    for (const [what, options, message] of someOf(refusals, 3)) {
      const { code, stdout, stderr } = await place.bench('export', record.id, ...options)
      expect({ code, stdout, lines: stderr.split('\n').length }, what).toEqual({ code: 2, stdout: '', lines: 2 })
      expect(stderr, what).toMatch(message)
    }
    const bare = await place.bench('export', 'DARTS_V2', '--to', 'onnx')
    expect(bare.stderr).toMatch(/^bench: DARTS_V2 is an architecture without weights; train it \(`bench retrain .*`\)/)
    expect(bare.code).toBe(2)
    expect(readdirSync(place.folder).filter((name) => /^net|\.onx$/.test(name))).toEqual([])
  })

  test('leaves the earlier file, or the new one, where it is killed at a change of the file system', async () => {
    mkdirSync(at('target'))
    const args = ['export', record.id, '--to', 'onnx,safetensors', '--out', 'target']
    expect((await place.bench(...args)).code).toBe(0)
    const whole = ['net.onnx', 'net.safetensors'].map((name) => readFileSync(at('target', name)))
    for (const mode of someOf(['write', 'half'] as const, 2)) {
      cpSync(at('target'), at(`killed-${mode}`), { recursive: true })
      const folder = at(`killed-${mode}`)
      for (const name of ['net.onnx', 'net.safetensors']) writeFileSync(join(folder, name), 'earlier')
      Object.assign(process.env, deathEnvironment({ within: folder, at: 2, mode }))
      try {
        expect((await place.bench(...args.slice(0, -1), `killed-${mode}`)).code).toBeNull()
      } finally {
        delete process.env.KILL_AT_WRITE
        delete process.env.NODE_OPTIONS
      }
      for (const [i, name] of ['net.onnx', 'net.safetensors'].entries()) {
        const found = readFileSync(join(folder, name))
        expect(found.equals(whole[i]) || found.toString() === 'earlier', `${name}, ${mode}`).toBe(true)
      }
      expect((await place.bench(...args.slice(0, -1), `killed-${mode}`)).code).toBe(0)
      expect(readdirSync(folder).sort()).toEqual(['net.onnx', 'net.safetensors'])
    }
  })
})

describe('bench predict', () => {
  test('names the classes of images, in the order of the files, whatever the size of the images', async () => {
    write(at('large.png'), await png(200, 45, 99, 40))
    const files = ['pictures/val/dog/0.png', 'large.png', 'pictures/val/cat/0.png']
    const { code, stdout } = await place.bench('predict', record.id, ...files, '--top', '2', '--json')
    expect(code).toBe(0)
    const { images, training } = JSON.parse(stdout)
    expect(training).toBe(record.id)
    expect(images.map(({ file }: { file: string }) => file)).toEqual(files)
    for (const { classes } of images) {
      const [first, second] = classes.map(({ probability }: { probability: number }) => probability)
      expect(first).toBeGreaterThanOrEqual(second)
      expect(first + second).toBeCloseTo(1, 6)
      expect(classes.map(({ name }: { name: string }) => name).sort()).toEqual(['cat', 'dog'])
    }
    expect(images[0].classes[0].name).toBe(images[1].classes[0].name)
    const table = await place.bench('predict', record.id, files[0], '--format', 'csv')
    expect(table.stdout).toMatch(/^file,class,probabilityPct\npictures\/val\/dog\/0.png,(cat|dog),\d/)
  })

  test('takes all images of a folder, in the order of their paths', async () => {
    write(at('pictures/val/notes.txt'), '')
    expect(await imageFiles([at('large.png'), at('pictures/val')])).toEqual([
      ...[at('large.png'), at('pictures/val/cat/0.png'), at('pictures/val/dog/0.png')],
    ])
    mkdirSync(at('empty'))
    const { code, stderr } = await place.bench('predict', record.id, 'empty')
    expect({ code, stderr }).toEqual({
      ...{ code: 2, stderr: 'bench: there is no JPEG or PNG file in empty; name image files or a folder with some\n' },
    })
  })

  test('names the file that is not there, and the one that it cannot read', async () => {
    write(at('text.png'), 'no image')
    for (const [file, message] of [
      ['nowhere.png', /^bench: there is no nowhere.png; name JPEG or PNG files, or folders with some\n$/],
      [
        'text.png',
        /^bench: text.png cannot be decoded \(.*\); replace it, or skip such files with --broken-images skip\n$/,
      ],
    ] as const) {
      const { code, stderr } = await place.bench('predict', record.id, file)
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) })
    }
    expect(existsSync(at('nowhere.png'))).toBe(false)
  })

  test('leaves out the files that it cannot read, and keeps the others in order', async () => {
    write(at('text.png'), 'no image')
    const [cat, dog] = ['pictures/val/cat/0.png', 'pictures/val/dog/0.png']
    const predict = (...args: string[]) => place.bench('predict', record.id, ...args, '--broken-images', 'skip')
    const shown = await predict('text.png', cat, 'text.png', dog, '--format', 'csv')
    expect(shown.stdout.split('\n').map((line) => line.split(',')[0])).toEqual(['file', cat, dog, ''])
    expect(shown.stderr).toMatch(/skipped: text.png cannot be decoded \([^;]*\)\n/)
    const { images, skipped } = JSON.parse((await predict('text.png', cat, dog, '--json')).stdout)
    expect(images.map(({ file }: { file: string }) => file)).toEqual([cat, dog])
    expect(skipped).toEqual(['text.png'])
    expect(await predict('text.png')).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/\nbench: none of the 1 image could be decoded\n$/) },
    })
  })
})

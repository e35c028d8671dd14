/** Folders of classes without training and test images of their own: the program divides them by a seed. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { parseImageFolder } from '../../../src/data/files/imageFolder.ts'
import { openDataset } from '../../../src/data/openDataset.ts'
import { openImageStream } from '../../../src/data/photographs/imageStream.ts'
import { datasetIdentity } from '../../../src/runner/plan/images.ts'
import { png, tar, temporaryFolder, write, writeAll } from '../sampleFiles.ts'

const folder = temporaryFolder()
let at: string

/** Unequal classes: of each image the first pixel tells class and number. */
const COUNTS = { cat: 10, dog: 5, emu: 2 }

async function classFolders(): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const [label, [name, count]] of Object.entries(COUNTS).entries()) {
    for (let i = 0; i < count; i++) files.set(`${name}/${i}.png`, await png(label, i, 0, 4))
  }
  return files
}

beforeEach(async () => {
  at = writeAll(join(folder.path, 'animals'), await classFolders())
})

const open = (text: string) => openDataset('animals', { folder: text })
const stream = (text: string) => openImageStream('animals', text, 8)
const identity = (text: string) =>
  datasetIdentity({ name: 'animals', folder: text, imageSize: null, sizeSetting: '', report: () => {} })
const perClass = (labels: Int32Array) => [0, 1, 2].map((label) => labels.filter((other) => other === label).length)
/** Class and number of each image, in order. */
const idsOf = ({ pixels, count }: { readonly pixels: Uint8Array; readonly count: number }) =>
  Array.from({ length: count }, (_, i) => `${pixels[i * 48]}/${pixels[i * 48 + 1]}`)

describe('a folder of classes', () => {
  test('gives a fifth of each class, and at least one image, to the test set', async () => {
    const { train, test: tested, classNames, split, notes } = await open(at)
    expect(classNames).toEqual(['cat', 'dog', 'emu'])
    expect([perClass(train.labels), perClass(tested.labels)]).toEqual([
      [8, 4, 1],
      [2, 1, 1],
    ])
    expect(new Set([...idsOf(train), ...idsOf(tested)]).size).toBe(17)
    expect(split).toEqual({ testPortion: 0.2, seed: 0 })
    expect(notes?.join()).toMatch(
      /animals has no train\/ and test\/: 20 % of each class, 4 images drawn by seed 0, are the/,
    )
  })

  test('is divided alike in memory, out of an archive, from the cache and while streaming', async () => {
    const inMemory = await open(`${at}:test=0.4,seed=3`)
    expect(perClass(inMemory.test.labels)).toEqual([4, 2, 1])
    const archive = write(join(folder.path, 'animals.tar'), await tar(await classFolders()))
    for (const again of [await open(`${at}:test=0.4,seed=3`), await open(`${archive}:seed=3,test=0.4`)]) {
      expect(idsOf(again.test)).toEqual(idsOf(inMemory.test))
      expect(again.contentHash).toBe(inMemory.contentHash)
      expect(again.split).toEqual({ testPortion: 0.4, seed: 3 })
    }
    const { test: streamed, classNames, split } = await stream(`${at}:test=0.4,seed=3`)
    const files = streamed.paths.map((path) => path.split('/').slice(-2))
    expect(files.map(([name, file]) => `${classNames.indexOf(name)}/${file.replace('.png', '')}`)).toEqual(
      idsOf(inMemory.test),
    )
    expect(split).toEqual(inMemory.split)
  })

  test('is another dataset if it is divided by another seed or portion', async () => {
    const texts = [at, `${at}:seed=1`, `${at}:test=0.3`]
    for (const hashes of [
      await Promise.all(texts.map(async (text) => (await open(text)).contentHash)),
      await Promise.all(texts.map(async (text) => (await stream(text)).contentHash)),
      await Promise.all(texts.map(async (text) => (await identity(text)).contentHash)),
    ]) {
      expect(new Set(hashes).size).toBe(3)
    }
    expect((await identity(`${at}:seed=1`)).split).toEqual({ testPortion: 0.2, seed: 1 })
    expect(idsOf((await open(`${at}:seed=1`)).test)).not.toEqual(idsOf((await open(at)).test))
  })
})

describe('a folder that cannot be divided as the user wants is refused in one line:', () => {
  test('a class with a single image', async () => {
    write(join(at, 'fox/0.png'), await png(1, 2, 3, 4))
    const message = /animals: class "fox" has one image; at least two are needed, one to train and one to test/
    await expect(open(at)).rejects.toThrow(message)
    await expect(stream(at)).rejects.toThrow(message)
  })

  test('a class without images', async () => {
    mkdirSync(join(at, 'fox'))
    await expect(open(at)).rejects.toThrow(/animals: no JPEG or PNG files in class "fox"; add images or remove/)
  })

  test.each([
    ['a class', 'fox'],
    ['a class with an empty folder in it', 'fox/cubs'],
    ['a class with hidden files', 'fox/.thumbnails'],
  ])('%s that gets no images after the others were used', async (_, added) => {
    const used = await open(at)
    await expect(identity(at)).resolves.toMatchObject({ contentHash: used.contentHash })
    mkdirSync(join(at, added), { recursive: true })
    const message = /animals: no JPEG or PNG files in class "fox"; add images or remove/
    await expect(open(at)).rejects.toThrow(message)
    await expect(identity(at)).rejects.toThrow(message)
    rmSync(join(at, 'fox'), { recursive: true })
    await expect(open(at)).resolves.toEqual(used)
  })

  test('a folder that has training and test images of its own', async () => {
    const files = [...(await classFolders())].flatMap(([path, bytes]) => [
      [`train/${path}`, bytes] as const,
      [`val/${path}`, bytes] as const,
    ])
    const own = writeAll(join(folder.path, 'own'), new Map(files))
    const message = /own has train\/ and test\/ of its own; leave out :test=0\.3,seed=0/
    await expect(open(`${own}:test=0.3`)).rejects.toThrow(message)
    await expect(stream(`${own}:test=0.3`)).rejects.toThrow(message)
  })

  test('images of which only some lie in train/', async () => {
    write(join(at, 'train/cat.png'), await png(1, 2, 3, 4))
    await expect(stream(at)).rejects.toThrow(/has no class folders .*; expected train\/CLASS and test\/CLASS, or/)
    await expect(open(at)).rejects.toThrow(/does not hold animals: .* expected train\/CLASS\/\*\.jpg .* or CLASS/)
  })

  test('a published dataset', async () => {
    await expect(openDataset('cifar10', { folder: `${at}:seed=1` })).rejects.toThrow(
      'cifar10 has training and test images of its own; leave out :test=0.2,seed=1',
    )
    await expect(openImageStream('imagenet', at)).rejects.toThrow(/animals has no train\/ and val\/, as ImageNet has/)
  })

  test.each(['test=0', 'test=1', 'test=x', 'seed=-1', 'seed=1.5', 'tset=0.2', 'test=0.2,'])('%s', async (settings) => {
    await expect(open(`${at}:${settings}`)).rejects.toThrow(
      /is not test=FRACTION between 0 and 1 or seed=NUMBER, as in/,
    )
  })
})

test('a path is not cut at a colon that belongs to it', () => {
  const odd = writeAll(join(folder.path, 'a:seed=1'), new Map([['cat/0.png', Buffer.alloc(1)]]))
  expect(parseImageFolder(odd)).toEqual({ path: odd })
  expect(parseImageFolder(`${odd}:seed=2`)).toEqual({ path: odd, split: { testPortion: 0.2, seed: 2 } })
  expect(parseImageFolder('C:\\images')).toEqual({ path: 'C:\\images' })
})

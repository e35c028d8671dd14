import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { unpackArchive } from '../../../src/data/files/tarArchive.ts'
import { openDataset } from '../../../src/data/openDataset.ts'
import { temporaryFolder } from '../sampleFiles.ts'

const folder = temporaryFolder()
/** Written by CPython 3.11's pickle and NumPy; plane p of record r is filled with 10·r + p. */
const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/data/${name}.tar.gz`, import.meta.url))

describe('images in Python pickles', () => {
  it('open as CIFAR-10, batches in order, planes interleaved, with their class names', async () => {
    const { train, test, classNames } = await openDataset('cifar10', { folder: fixture('cifar10-pickles') })
    expect([...train.labels]).toEqual([3, 1, 5])
    expect([...test.labels]).toEqual([9])
    expect([...train.pixels.subarray(0, 6)]).toEqual([0, 1, 2, 0, 1, 2])
    expect([...train.pixels.subarray(3072, 3075)]).toEqual([10, 11, 12])
    expect(classNames).toEqual([...'abcdefghij'])
  })

  it('open as ImageNet16-120: the first 120 classes, counted from 0, batches in the order of their numbers', async () => {
    const { train, test, shape, name } = await openDataset('imagenet16-120', { folder: fixture('imagenet16-pickles') })
    expect(name).toBe('ImageNet16-120')
    expect(shape).toEqual({ height: 16, width: 16, channels: 3, classes: 120 })
    expect([...train.labels]).toEqual([0, 119, 4, 6])
    expect([...train.pixels.subarray(768, 771)]).toEqual([20, 21, 22])
    expect([...test.labels]).toEqual([1, 2])
  })

  it('are read once, and then come from the cache unchanged', async () => {
    await unpackArchive(fixture('imagenet16-pickles'), folder.path)
    const lines: string[] = []
    const options = { folder: join(folder.path, 'i16'), report: (line: string) => lines.push(line) }
    expect(await openDataset('ImageNet16-120', options)).toEqual(await openDataset('ImageNet16-120', options))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^reading the pickles of .*, once; the pixels are kept in /)
  })

  it('are refused if they name code to run', async () => {
    await expect(openDataset('cifar10', { folder: fixture('evil-pickle') })).rejects.toThrow(/posix.*system/)
  })
})

describe('the halves of a test set', () => {
  const withSplit = async (split: unknown) => {
    await unpackArchive(fixture('imagenet16-pickles'), folder.path)
    writeFileSync(join(folder.path, 'i16/imagenet-16-120-test-split.txt'), JSON.stringify(split))
    return openDataset('ImageNet16-120', { folder: join(folder.path, 'i16') })
  }

  it('are those of the benchmark’s file, if it is in the folder of the images', async () => {
    const { testHalves } = await withSplit({ xvalid: ['int', ['1']], xtest: ['int', ['0']] })
    expect(testHalves).toEqual({ xValid: Uint32Array.of(1), xTest: Uint32Array.of(0) })
    expect((await openDataset('ImageNet16-120', { folder: fixture('imagenet16-pickles') })).testHalves).toBeUndefined()
  })

  it('must be a partition of the test set', async () => {
    await expect(withSplit({ xvalid: ['int', ['1']], xtest: ['int', ['1']] })).rejects.toThrow(
      /lists 2 images, 1 of them different; the test set has 2/,
    )
    await expect(withSplit({ train: [] })).rejects.toThrow(/is not a split file; expected \{"xvalid"/)
  })
})

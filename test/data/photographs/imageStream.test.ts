import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, describe, expect, it } from 'vitest'
import type { Batch } from '../../../src/core/data.ts'
import { IMAGENET } from '../../../src/data/batches/transforms.ts'
import { openImageStream } from '../../../src/data/photographs/imageStream.ts'
import { streamedSearchData, streamedTrainingData } from '../../../src/data/photographs/streamedData.ts'
import { resolveProtocol } from '../../../src/protocols/index.ts'
import { raiseLimit } from '../../../src/system/limits.ts'
import { png, temporaryFolder, write, writeAll } from '../sampleFiles.ts'

const folder = temporaryFolder()
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  delete process.env.NAS_BENCH_RAISED_LIMITS
  await Promise.all(open.splice(0).map((data) => data.close()))
})

/** Two classes of eight photographs of one colour each, JPEG and PNG, and two to validate. */
async function photographs() {
  const files = new Map<string, Buffer>()
  for (const [label, name] of ['cat', 'dog'].entries()) {
    for (let i = 0; i < 8; i++) files.set(`train/${name}/${i}.png`, await png(100 + 100 * label, 10 * i, 50, 24))
    const jpeg = await sharp(await png(100 + 100 * label, 80, 50, 40))
      .jpeg({ quality: 95 })
      .toBuffer()
    files.set(`val/${name}/0.jpg`, jpeg)
  }
  return writeAll(folder.path, files)
}

async function training(options: { limit?: number; brokenImages?: 'skip'; report?: (line: string) => void } = {}) {
  const stream = await openImageStream('photographs', folder.path, 8)
  const data = streamedTrainingData(stream, { batchSize: 5, seed: 0, threads: 2, ...options })
  open.push(data)
  return data
}

/** A PNG file of one pixel. */
const PNG = await png(1, 2, 3)
const length = 8 * 8 * 3
const intensity = (batch: Batch, sample: number, channel: number) =>
  255 * (batch.images[sample * length + channel] * IMAGENET.std[channel] + IMAGENET.mean[channel])

/**
 * What tells one photograph from another of its class, and its class: the training transform of a search keeps colours.
 */
const greens = (batch: Batch, sample: number) => `${batch.labels[sample]} ${Math.round(intensity(batch, sample, 1))}`

const job = { space: 'darts', dataset: 'photographs', algorithm: 'darts-v1' }

describe('a stream of photographs', () => {
  it('validates on the central windows, in order, normalised', async () => {
    await photographs()
    const batches = []
    for await (const batch of (await training()).test()) batches.push(batch)
    expect(batches).toHaveLength(1)
    const [batch] = batches
    expect([...batch.labels]).toEqual([0, 1])
    expect(batch.images).toHaveLength(2 * length)
    expect(Math.abs(intensity(batch, 0, 0) - 100)).toBeLessThan(3)
    expect(Math.abs(intensity(batch, 1, 0) - 200)).toBeLessThan(3)
    expect(Math.abs(intensity(batch, 1, 1) - 80)).toBeLessThan(3)
  })

  it('makes the same training batches from the same seed, in any order and in any thread', async () => {
    await photographs()
    const [one, other] = [(await training()).train, (await training()).train]
    const forward = [await one.batch(0), await one.batch(1), await one.batch(5)]
    const backward = [await other.batch(5), await other.batch(1), await other.batch(0)]
    expect(backward.toReversed()).toEqual(forward)
    expect(forward[0].size).toBe(5)
    expect(forward[0]).not.toEqual(forward[2])
  })

  it('uses as many images as the limit says, of all classes', async () => {
    await photographs()
    const { train } = await training({ limit: 4 })
    expect(train.batchesPerEpoch).toBe(1)
    expect([...(await train.batch(0)).labels].sort()).toEqual([0, 0, 1, 1])
  })

  it('gives a search two disjoint halves', async () => {
    await photographs()
    const stream = await openImageStream('photographs', folder.path, 8)
    const data = { ...resolveProtocol('darts-paper', job).data, trainPortion: 0.5, architecturePortion: 0.25 }
    const search = streamedSearchData(stream, { batchSize: 16, seed: 0, threads: 1, data })
    open.push(search)
    const [weights, architecture] = [await search.weights.batch(0), await search.architecture.batch(0)]
    expect([...weights.labels].sort()).toEqual([0, 0, 0, 0, 1, 1, 1, 1])
    expect([...architecture.labels].sort()).toEqual([0, 0, 1, 1])
    const colours = (batch: Batch) => Array.from(batch.labels, (_, i) => greens(batch, i))
    expect(colours(weights).filter((green) => colours(architecture).includes(green))).toEqual([])
    expect((await search.validation.batch(0)).size).toBe(4)
  })

  it('fails with the name of a broken photograph, or leaves it out of its batch', async () => {
    await photographs()
    write(join(folder.path, 'val/dog/0.jpg'), 'not a picture')
    const failing = await training()
    await expect(async () => {
      for await (const _ of failing.test());
    }).rejects.toThrow(/val\/dog\/0\.jpg cannot be decoded/)
    const lines: string[] = []
    const skipping = await training({ brokenImages: 'skip', report: (line) => lines.push(line) })
    for await (const batch of skipping.test()) expect([...batch.labels]).toEqual([0])
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^skipped: .*val\/dog\/0\.jpg cannot be decoded/)
  })

  it('replaces a last batch with only broken photographs by the batch before it', async () => {
    await photographs()
    const { paths } = (await openImageStream('photographs', folder.path, 8)).test
    const extra = Array.from({ length: 5 }, (_, i) => write(join(folder.path, `val/dog/${i + 1}.jpg`), 'not a picture'))
    const skipping = await training({ brokenImages: 'skip' })
    const sizes: number[] = []
    for await (const batch of skipping.test()) sizes.push(batch.size)
    expect(paths.length + extra.length).toBe(7)
    expect(sizes).toEqual([2])

    for (const name of ['cat', 'dog']) {
      for (let i = 0; i < 8; i++) {
        if (!(name === 'cat' && i === 0)) write(join(folder.path, `train/${name}/${i}.png`), 'not a picture')
      }
    }
    const { train } = await training({ brokenImages: 'skip' })
    expect(train.batchesPerEpoch).toBe(4)
    const batches = await Promise.all([0, 1, 2, 3].map((index) => train.batch(index)))
    expect(batches.map(({ size }) => size)).toEqual([1, 1, 1, 1])
    expect(new Set(batches.map(({ images }) => images.join())).size).toBe(1)
  })

  it('fails if no photograph can be decoded', async () => {
    await photographs()
    for (const name of ['cat', 'dog']) write(join(folder.path, `val/${name}/0.jpg`), 'not a picture')
    const skipping = await training({ brokenImages: 'skip' })
    await expect(async () => {
      for await (const _ of skipping.test());
    }).rejects.toThrow('none of the 2 images for test could be decoded')
  })

  it('says once that photographs of 16 bits are nearly black', async () => {
    await photographs()
    const dark = await sharp(new Uint16Array(24 * 24 * 3).fill(1000), { raw: { width: 24, height: 24, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer()
    for (const name of ['cat', 'dog']) write(join(folder.path, `val/${name}/1.png`), dark)
    const lines: string[] = []
    const { test } = await training({ report: (line) => lines.push(line) })
    for await (const _ of test());
    expect(lines).toEqual([expect.stringMatching(/val\/\w+\/1\.png has 16 bits and no value above 1023 of 65535/)])
  })

  it('leaves the formats of the decoding library, which all threads share, as the process has set them', async () => {
    await photographs()
    const blocked = { operation: ['VipsForeignLoadPng'] }
    sharp.block(blocked)
    try {
      const { test } = await training()
      for await (const { size } of test()) expect(size).toBe(2)
      await expect(sharp(PNG).toBuffer()).rejects.toThrow('unsupported image format')
    } finally {
      sharp.unblock(blocked)
    }
    await expect(sharp(PNG).toBuffer()).resolves.toBeInstanceOf(Buffer)
  })

  it('refuses a photograph beyond the limit, or leaves it out', async () => {
    raiseLimit('image-megapixels=0.001')
    await photographs()
    await expect(async () => {
      for await (const _ of (await training()).test());
    }).rejects.toThrow(/0\.jpg is 40×40, 1 megapixels; the limit is 0\.001 megapixels: raise it with --raise/)
    write(join(folder.path, 'val/cat/0.png'), await png(1, 2, 3))
    const lines: string[] = []
    const { test } = await training({ brokenImages: 'skip', report: (line) => lines.push(line) })
    for await (const { size } of test()) expect(size).toBe(1)
    expect(lines).toEqual([
      expect.stringMatching(/^skipped: .*is 40×40/),
      expect.stringMatching(/^skipped: .*is 40×40/),
    ])
  })

  it('has a content hash of its files and their sizes', async () => {
    await photographs()
    const before = await openImageStream('photographs', folder.path, 8)
    expect((await openImageStream('photographs', folder.path, 8)).contentHash).toBe(before.contentHash)
    write(join(folder.path, 'train/cat/9.png'), await png(0, 0, 0))
    expect((await openImageStream('photographs', folder.path, 8)).contentHash).not.toBe(before.contentHash)
  })
})

import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32, gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { afterEach, describe, expect, it } from 'vitest'
import { scaledDataset } from '../../../src/data/batches/imageView.ts'
import { openArchive, unpackArchive } from '../../../src/data/files/tarArchive.ts'
import { openDataset } from '../../../src/data/openDataset.ts'
import { openImageStream } from '../../../src/data/photographs/imageStream.ts'
import { datasetIdentity } from '../../../src/runner/plan/images.ts'
import { raiseLimit } from '../../../src/system/limits.ts'
import { imageFiles, png, tar, temporaryFolder, write, writeAll } from '../sampleFiles.ts'

const folder = temporaryFolder()
const hashOf = async (folder: string) =>
  (await datasetIdentity({ name: 'animals', folder, imageSize: null, sizeSetting: '', report: () => {} })).contentHash
const open = (at: string, options = {}) => openDataset('animals', { folder: at, ...options })
const broken = Buffer.from('not a picture')

afterEach(() => delete process.env.NAS_BENCH_RAISED_LIMITS)

describe('an image folder', () => {
  it('is a dataset of any name: classes are its folders, sorted', async () => {
    const dataset = await open(writeAll(folder.path, await imageFiles()))
    expect(dataset.classNames).toEqual(['cat', 'dog'])
    expect([...dataset.train.labels]).toEqual([0, 0, 1, 1])
    expect([...dataset.test.labels]).toEqual([0, 1])
    expect([...dataset.train.pixels.subarray(3 * 48, 3 * 48 + 3)]).toEqual([100, 20, 0])
    expect(dataset.shape).toEqual({ height: 4, width: 4, channels: 3, classes: 2 })
    expect(dataset.mean[0]).toBeCloseTo(50 / 255, 9)
  })

  it('may hold grey and transparent images: all become RGB', async () => {
    const files = await imageFiles()
    const grey = sharp(await png(90, 90, 90)).toColourspace('b-w')
    files.set('train/cat/0.png', await grey.png().toBuffer())
    files.set(
      'train/cat/1.png',
      await sharp(await png(1, 2, 3))
        .ensureAlpha()
        .png()
        .toBuffer(),
    )
    const { train } = await open(writeAll(folder.path, files))
    expect([...train.pixels.subarray(0, 3)]).toEqual([90, 90, 90])
    expect([...train.pixels.subarray(48, 51)]).toEqual([1, 2, 3])
  })

  it('is decoded once: what is kept opens the same, and a damaged copy is made anew', async () => {
    const at = writeAll(join(folder.path, 'images'), await imageFiles())
    const lines: string[] = []
    const report = (line: string) => lines.push(line)
    const first = await open(at, { report })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^decoding 6 images of .*, once; the pixels are kept in /)
    expect(await open(at, { report })).toEqual(first)
    expect(lines).toHaveLength(1)
    const kept = join(folder.path, 'home/decoded')
    const file = join(kept, readdirSync(kept)[0])
    const bytes = readFileSync(file)
    bytes[bytes.length - 60] ^= 1
    writeFileSync(file, bytes)
    expect(await open(at, { report })).toEqual(first)
    expect(lines).toHaveLength(2)
  })

  it('is refused with the name of a broken image, or read without it', async () => {
    const at = writeAll(folder.path, (await imageFiles()).set('train/cat/0.png', broken))
    await expect(open(at)).rejects.toThrow(/cat\/0\.png cannot be decoded \([^)]*\); replace or remove it$/)
    const lines: string[] = []
    const { train } = await open(at, { brokenImages: 'skip', report: (line: string) => lines.push(line) })
    expect([...train.labels]).toEqual([0, 1, 1])
    expect([...train.pixels.subarray(0, 3)]).toEqual([0, 20, 0])
    expect(lines.filter((line) => line.startsWith('skipped:'))).toHaveLength(1)
  })

  it('must have images of one size, unless a size to scale to is given', async () => {
    const at = writeAll(folder.path, (await imageFiles()).set('train/dog/1.png', await png(0, 0, 9, 5)))
    await expect(open(at)).rejects.toThrow(
      /dog\/1\.png is 5×5, the others 4×4; make them one size, or scale all .* --image-size 32/,
    )
    expect((await open(at, { imageSize: 3 })).shape.height).toBe(3)
  })

  it('with images of one size is not scaled when opened, so its content hash is the same at every size', async () => {
    const at = writeAll(folder.path, await imageFiles())
    const asItIs = await open(at)
    expect(await open(at, { imageSize: 3 })).toEqual(asItIs)
    expect(scaledDataset(asItIs, 3).contentHash).toBe(asItIs.contentHash)
  })

  it.each([
    ['several sizes', () => striped(9, 5)],
    ['too many pixels', () => png(1, 1, 1)],
  ])('of %s has one content hash at every size, and other pixels', async (what, dog) => {
    if (what === 'too many pixels') raiseLimit('dataset-gib=1e-7')
    const at = writeAll(folder.path, (await imageFiles()).set('train/dog/1.png', await dog()))
    const [two, three] = [await open(at, { imageSize: 2 }), await open(at, { imageSize: 1 })]
    expect(two.shape).toMatchObject({ height: 2, width: 2 })
    expect(three.shape).toMatchObject({ height: 1, width: 1 })
    expect(two.contentHash).toBe(three.contentHash)
    expect(await open(at, { imageSize: 2 })).toEqual(two)
    writeAll(at, new Map([['train/cat/0.png', await png(7, 7, 7)]]))
    expect((await open(at, { imageSize: 2 })).contentHash).not.toBe(two.contentHash)
  })

  it('scales images of several sizes as those of one size are scaled', async () => {
    const image = await striped(13, 7)
    const one = writeAll(
      join(folder.path, 'one'),
      new Map(['train/a/0.png', 'val/a/0.png'].map((path) => [path, image])),
    )
    const mixed = writeAll(
      join(folder.path, 'mixed'),
      new Map([
        ...['train/a/0.png', 'val/a/0.png'].map((path) => [path, image] as const),
        ['train/a/1.png', await png(1, 2, 3)],
      ]),
    )
    const expected = scaledDataset(await open(one), 5).train.pixels
    const scaled = await open(mixed, { imageSize: 5 })
    expect([...scaled.train.pixels.subarray(0, 75)]).toEqual([...expected])
    expect([...scaled.train.pixels.subarray(75, 78)]).toEqual([1, 2, 3])
  })

  it('must have images in every class', async () => {
    const at = writeAll(folder.path, await imageFiles())
    mkdirSync(join(at, 'train/emu'))
    mkdirSync(join(at, 'val/emu'))
    await expect(open(at)).rejects.toThrow(/train: no JPEG or PNG files in class "emu"/)
  })

  it('must have the same classes in both sets', async () => {
    const at = writeAll(folder.path, (await imageFiles()).set('val/emu/0.png', await png(1, 1, 1)))
    rmSync(join(at, 'val/cat'), { recursive: true })
    await expect(open(at)).rejects.toThrow(/class "cat" only in train\/ and "emu" only in val\//)
  })

  it('must have a test set', async () => {
    const at = writeAll(folder.path, await imageFiles())
    rmSync(join(at, 'val'), { recursive: true })
    await expect(open(at)).rejects.toThrow(/has train\/ but no test\/ or val\/ with class folders/)
  })

  it('must have ten classes to be CIFAR-10', async () => {
    const at = writeAll(folder.path, await imageFiles())
    await expect(openDataset('cifar10', { folder: at })).rejects.toThrow(/has 2 class folders; expected 10/)
  })
})

/** The header of a tar entry. */
function header(entry: { name: string; type: 'file' | 'directory' | 'gnu'; size: number }): Buffer {
  const bytes = Buffer.alloc(512)
  bytes.write(entry.name, 0)
  bytes.write('0000644\0', 100)
  bytes.write(`${entry.size.toString(8).padStart(11, '0')}\0`, 124)
  bytes.write('00000000000\0', 136)
  bytes.write('        ', 148)
  bytes.write({ file: '0', directory: '5', gnu: 'L' }[entry.type], 156)
  bytes.write(entry.type === 'gnu' ? 'ustar  \0' : 'ustar\x0000', 257)
  bytes.write(
    `${bytes
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return bytes
}

/** An empty file. */
const file = async (name: string) => header({ name, type: 'file', size: 0 })

/** What stands before an entry whose name is long, in GNU's way. */
const longName = (length: number) =>
  Buffer.concat([
    header({ name: '././@LongLink', type: 'gnu', size: length }),
    Buffer.alloc(Math.ceil(length / 512) * 512).fill('x', 0, length - 1),
  ])

/** Columns of different colours. */
async function striped(width: number, height: number): Promise<Buffer> {
  const pixels = Buffer.from(
    Array.from({ length: width * height * 3 }, (_, i) => (17 * (Math.floor(i / 3) % width) + 5 * (i % 3)) % 256),
  )
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
}

/** A black square, small as a file. */
const black = (side: number): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: 'black' } })
    .png({ palette: true })
    .toBuffer()

/** A PNG that says it is larger than anyone's memory. */
async function claiming(width: number, height: number): Promise<Buffer> {
  const bytes = Buffer.from(await png(0, 0, 0))
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)
  return bytes
}

describe('the memory for an image folder', () => {
  it.each([
    [
      'one image',
      () => claiming(20_000, 20_000),
      /0\.png is 20000×20000, 400 megapixels; the limit is 100 megapixels: raise it with --raise image-megapixels=200/,
    ],
    [
      'one file',
      async () => Buffer.alloc(1.5 * 2 ** 20),
      /0\.png has 1\.5 MiB; the limit is 1 MiB: .*--raise image-mib=2/,
    ],
    [
      'all images',
      () => black(3000),
      /6 images of 3000×3000 take 0\.2 GiB of memory; the limit is 0\.1 GiB: scale them down with --image-size 32, or raise it/,
    ],
  ])('is bounded for %s', async (_, make, message) => {
    raiseLimit('dataset-gib=0.1')
    raiseLimit('image-mib=1')
    const bytes = await make()
    const all = new Map([...(await imageFiles()).keys()].map((path) => [path, bytes]))
    const before = process.resourceUsage().maxRSS
    await expect(open(writeAll(folder.path, all))).rejects.toThrow(message)
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(100)
  })

  it('is small if large images are scaled', async () => {
    const bytes = await black(2500)
    const all = new Map([...(await imageFiles()).keys()].map((path) => [path, bytes]))
    raiseLimit('dataset-gib=0.05')
    const before = process.resourceUsage().maxRSS
    const { train } = await open(writeAll(folder.path, all), { imageSize: 2 })
    expect([...train.pixels.subarray(0, 3)]).toEqual([0, 0, 0])
    expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(300)
  })

  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'],
    ['text', 'P3 4 4 255'],
  ])('does not come from %s that is called an image', async (_, text) => {
    const at = writeAll(folder.path, (await imageFiles()).set('train/cat/0.png', Buffer.from(text)))
    await expect(open(at)).rejects.toThrow(/0\.png cannot be decoded/)
  })

  it.skipIf(process.platform === 'win32')('has no images from pipes and broken links', async () => {
    const at = writeAll(folder.path, await imageFiles())
    execFileSync('mkfifo', [join(at, 'train/cat/pipe.png')])
    expect((await open(at)).train.count).toBe(4)
    symlinkSync(join(at, 'nowhere'), join(at, 'train/cat/link.png'))
    await expect(open(at)).rejects.toThrow(/cannot read .*link\.png/)
    expect((await open(at, { brokenImages: 'skip' })).train.count).toBe(4)
  })
})

describe('a note about an image folder', () => {
  it('says which of val/ and test/ is not used', async () => {
    const files = await imageFiles()
    for (const [path, bytes] of [...files]) if (path.startsWith('val/')) files.set(path.replace('val/', 'test/'), bytes)
    const at = writeAll(folder.path, files)
    for (let round = 0; round < 2; round++) {
      const { notes, test } = await open(at)
      expect(notes).toEqual([
        expect.stringMatching(/val is not used \(2 images\): the test set is test\/, .* move them into train\//),
      ])
      expect(test.count).toBe(2)
    }
  })

  it('says that images of 16 bits are nearly black', async () => {
    const of = (value: number) =>
      sharp(new Uint16Array(48).fill(value), { raw: { width: 4, height: 4, channels: 3 } })
        .toColourspace('rgb16')
        .png()
        .toBuffer()
    const files = (await imageFiles()).set('train/cat/0.png', await of(4095)).set('train/dog/0.png', await of(4000))
    const at = writeAll(folder.path, files)
    for (let round = 0; round < 2; round++) {
      expect((await open(at)).notes).toEqual([
        expect.stringMatching(
          /cat\/0\.png \(and 1 more\) has 16 bits and no value above 4095 of 65535: it is read as nearly black/,
        ),
      ])
    }
    const bright = files.set('train/cat/0.png', await of(60_000)).set('train/dog/0.png', await of(20_000))
    expect((await open(writeAll(folder.path, bright))).notes).toEqual([])
  })
})

describe('images that change', () => {
  const swap = (a: string, b: string) => {
    const [first, second] = [readFileSync(a), readFileSync(b)]
    expect(first.length).toBe(second.length)
    writeFileSync(a, second)
    writeFileSync(b, first)
  }
  const exchange = (a: string, b: string) => {
    renameSync(a, `${a}.aside`)
    renameSync(b, a)
    renameSync(`${a}.aside`, b)
  }

  it.each([
    ['written over', swap],
    ['renamed', exchange],
  ])('are read again where two files of one size and one time are %s', async (_, change) => {
    const files = await imageFiles()
    files.set('train/cat/0.png', await png(10, 20, 30)).set('train/dog/0.png', await png(30, 20, 10))
    const at = writeAll(folder.path, files)
    const paths = ['train/cat/0.png', 'train/dog/0.png'].map((path) => join(at, path))
    const time = new Date('2020-01-01')
    for (const path of paths) utimesSync(path, time, time)
    const hashes = () =>
      Promise.all([
        open(at).then(({ contentHash }) => contentHash),
        hashOf(at),
        openImageStream('animals', at, 8).then(({ contentHash }) => contentHash),
      ])
    const before = await hashes()
    change(paths[0], paths[1])
    for (const path of paths) utimesSync(path, time, time)
    const after = await hashes()
    expect(after[0]).toBe(after[1])
    for (const [i, hash] of before.entries()) expect(after[i]).not.toBe(hash)
    change(paths[0], paths[1])
    for (const path of paths) utimesSync(path, time, time)
    expect(await hashes()).toEqual(before)
  })

  it('are read again if an archive is replaced by one of the same size and time', async () => {
    const files = await imageFiles()
    const file = write(join(folder.path, 'a.tar'), await tar(files))
    const time = new Date('2020-01-01')
    utimesSync(file, time, time)
    const hash = () => hashOf(file)
    const before = await hash()
    write(file, await tar(files.set('train/cat/0.png', files.get('train/dog/0.png') ?? Buffer.alloc(0))))
    utimesSync(file, time, time)
    expect(await hash()).not.toBe(before)
  })
})

describe('an archive of an image folder', () => {
  it('gives the same as the folder, gzipped or not, named or inside the folder', async () => {
    const files = await imageFiles()
    const { contentHash } = await open(writeAll(join(folder.path, 'images'), files))
    const plain = write(join(folder.path, 'a.tar'), await tar(files))
    expect((await open(plain)).contentHash).toBe(contentHash)
    write(join(folder.path, 'in/animals.tar.gz'), gzipSync(await tar(files)))
    expect((await open(join(folder.path, 'in'))).contentHash).toBe(contentHash)
  })

  it('is not unpacked again once its pixels are cached', async () => {
    const file = write(join(folder.path, 'a.tgz'), gzipSync(await tar(await imageFiles())))
    const lines: string[] = []
    const first = await open(file, { report: (line: string) => lines.push(line) })
    expect(await open(file, { report: (line: string) => lines.push(line) })).toEqual(first)
    expect(lines).toHaveLength(1)
  })

  it.each(['../../evil.png', 'train/../../evil.png', '/etc/evil.png'])(
    'is refused with an entry "%s"',
    async (name) => {
      const file = write(join(folder.path, 'evil.tar'), await tar(new Map([[name, Buffer.from('x')]])))
      await expect(openArchive(file)).rejects.toThrow(/leads outside the archive; refused/)
    },
  )

  it('is refused if it has a link', async () => {
    const { pack } = await import('tar-stream')
    const archive = pack()
    archive.entry({ name: 'train/cat', type: 'symlink', linkname: '/etc' })
    archive.finalize()
    const chunks: Buffer[] = []
    for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk)
    const file = write(join(folder.path, 'link.tar'), Buffer.concat(chunks))
    await expect(openArchive(file)).rejects.toThrow(/entry "train\/cat" is a symlink; expected files and folders only/)
  })

  it('is refused beyond the memory limit, whatever its compressed size', async () => {
    const bomb = gzipSync(await tar(new Map([['train/cat/0.png', Buffer.alloc(2 ** 22)]])))
    expect(bomb.length).toBeLessThan(10_000)
    const file = write(join(folder.path, 'bomb.tar.gz'), bomb)
    raiseLimit('dataset-gib=0.001')
    await expect(openArchive(file)).rejects.toThrow(
      /bomb\.tar\.gz holds 0\.0 GiB or more; the limit is 0\.001 GiB: unpack it/,
    )
  })

  it.each([
    ['endless zeros', () => Buffer.alloc(2 ** 25), /has 8 MiB without a file in them/],
    [
      'a folder that says it is large',
      () => Buffer.concat([header({ name: 'train', type: 'directory', size: 2 ** 32 }), Buffer.alloc(2 ** 25)]),
      /has 8 MiB without a file in them/,
    ],
    [
      'zeros between files',
      async () => Buffer.concat([await file('a'), Buffer.alloc(2 ** 25), await file('b')]),
      /has 8 MiB without/,
    ],
    ['long names without files', () => Buffer.concat(Array(9).fill(longName(2 ** 20))), /has 8 MiB without/],
    [
      'a name longer than a path',
      () => Buffer.concat([longName(5000), header({ name: 'b', type: 'file', size: 0 })]),
      /has 4999 characters; refused/,
    ],
    [
      'more files than the limit',
      async () => Buffer.concat([await file('a'), await file('b'), await file('c'), await file('d')]),
      /has 4 files or more; the limit is 3 files: raise it with --raise archive-files=6/,
    ],
  ])('is refused with %s, in memory and on disk', async (_, make, message) => {
    raiseLimit('archive-files=3')
    const path = write(join(folder.path, 'odd.tar.gz'), gzipSync(await make()))
    await expect(openArchive(path)).rejects.toThrow(message)
    await expect(unpackArchive(path, join(folder.path, 'unpacked'))).rejects.toThrow(message)
  })

  it('is unpacked only up to its limits, each of which can be raised', async () => {
    const files = new Map(['a', 'b', 'c'].map((name) => [name, Buffer.alloc(2 ** 22)]))
    const path = write(join(folder.path, 'zeros.tar.gz'), gzipSync(await tar(files)))
    const unpack = () => unpackArchive(path, join(folder.path, 'unpacked'))
    await expect(unpack()).rejects.toThrow(/holds more than \d+ times its own size; .* --raise archive-ratio=200/)
    raiseLimit('archive-ratio=10000')
    raiseLimit('archive-gib=0.01')
    await expect(unpack()).rejects.toThrow(
      /holds 0\.0 GiB or more; the limit is 0\.01 GiB: raise it with --raise archive-gib/,
    )
    raiseLimit('archive-gib=1')
    await unpack()
    expect(readdirSync(join(folder.path, 'unpacked'))).toEqual(['a', 'b', 'c'])
  })

  it('is refused when cut short or not an archive', async () => {
    const whole = gzipSync(await tar(await imageFiles()))
    const cut = write(join(folder.path, 'cut.tar.gz'), whole.subarray(0, whole.length - 100))
    await expect(openArchive(cut)).rejects.toThrow(/cut\.tar\.gz is not a whole tar archive/)
    const text = write(join(folder.path, 'text.tar.gz'), 'hello')
    await expect(openArchive(text)).rejects.toThrow(/text\.tar\.gz is not a whole tar archive/)
  })
})

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { openArchive } from '../../../src/data/files/tarArchive.ts'
import { openDataset } from '../../../src/data/openDataset.ts'
import { imageFiles, png, tar, temporaryFolder, write, writeAll } from '../sampleFiles.ts'

const folder = temporaryFolder()
const open = (at: string, options = {}) => openDataset('animals', { folder: at, ...options })
const broken = Buffer.from('not a picture')

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

  it('names a broken image, or skips it if told so', async () => {
    const at = writeAll(folder.path, (await imageFiles()).set('train/cat/0.png', broken))
    await expect(open(at)).rejects.toThrow(/cat\/0\.png cannot be decoded \(.*\); replace it or skip broken images/)
    const lines: string[] = []
    const { train } = await open(at, { brokenImages: 'skip', report: (line: string) => lines.push(line) })
    expect([...train.labels]).toEqual([0, 1, 1])
    expect([...train.pixels.subarray(0, 3)]).toEqual([0, 20, 0])
    expect(lines.filter((line) => line.startsWith('skipped:'))).toHaveLength(1)
  })

  it('must have images of one size, or be given one', async () => {
    const at = writeAll(folder.path, (await imageFiles()).set('train/dog/1.png', await png(0, 0, 9, 5)))
    await expect(open(at)).rejects.toThrow(/dog\/1\.png is 5×5, the others 4×4; expected one size, or an image size/)
    expect((await open(at, { imageSize: 3 })).shape.height).toBe(3)
  })

  it('must have images in every class', async () => {
    const at = writeAll(folder.path, await imageFiles())
    mkdirSync(join(at, 'train/emu'))
    mkdirSync(join(at, 'val/emu'))
    await expect(open(at)).rejects.toThrow(/train: no JPEG or PNG files in class "emu"/)
  })

  it('must have the same classes on both sides', async () => {
    const at = writeAll(folder.path, (await imageFiles()).set('val/emu/0.png', await png(1, 1, 1)))
    rmSync(join(at, 'val/cat'), { recursive: true })
    await expect(open(at)).rejects.toThrow(/class "cat" only in train\/ and "emu" only in val\//)
  })

  it('must have a test side', async () => {
    const at = writeAll(folder.path, await imageFiles())
    rmSync(join(at, 'val'), { recursive: true })
    await expect(open(at)).rejects.toThrow(/has train\/ but no test\/ or val\/ with class folders/)
  })

  it('must have ten classes to be CIFAR-10', async () => {
    const at = writeAll(folder.path, await imageFiles())
    await expect(openDataset('cifar10', { folder: at })).rejects.toThrow(/has 2 class folders; expected 10/)
  })
})

describe('an archive of an image folder', () => {
  it('reads as the folder does, gzipped or not, named or lying in the folder', async () => {
    const files = await imageFiles()
    const { contentHash } = await open(writeAll(join(folder.path, 'images'), files))
    const plain = write(join(folder.path, 'a.tar'), await tar(files))
    expect((await open(plain)).contentHash).toBe(contentHash)
    write(join(folder.path, 'in/animals.tar.gz'), gzipSync(await tar(files)))
    expect((await open(join(folder.path, 'in'))).contentHash).toBe(contentHash)
  })

  it('is not unpacked again once its pixels are kept', async () => {
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

  it('is refused with a link', async () => {
    const { pack } = await import('tar-stream')
    const archive = pack()
    archive.entry({ name: 'train/cat', type: 'symlink', linkname: '/etc' })
    archive.finalize()
    const chunks: Buffer[] = []
    for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk)
    const file = write(join(folder.path, 'link.tar'), Buffer.concat(chunks))
    await expect(openArchive(file)).rejects.toThrow(/entry "train\/cat" is a symlink; expected files and folders only/)
  })

  it('is refused beyond the memory that it may take, whatever its compressed size', async () => {
    const bomb = gzipSync(await tar(new Map([['train/cat/0.png', Buffer.alloc(2 ** 22)]])))
    expect(bomb.length).toBeLessThan(10_000)
    const file = write(join(folder.path, 'bomb.tar.gz'), bomb)
    await expect(openArchive(file, 2 ** 20)).rejects.toThrow(/holds more than 0\.0 GiB; unpack it/)
  })

  it('is refused when cut short or not an archive', async () => {
    const whole = gzipSync(await tar(await imageFiles()))
    const cut = write(join(folder.path, 'cut.tar.gz'), whole.subarray(0, whole.length - 100))
    await expect(openArchive(cut)).rejects.toThrow(/cut\.tar\.gz is not a whole tar archive/)
    const text = write(join(folder.path, 'text.tar.gz'), 'hello')
    await expect(openArchive(text)).rejects.toThrow(/text\.tar\.gz is not a whole tar archive/)
  })
})

/** Damaged image datasets of every kind that is read; see ../tables/damaged.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe } from 'vitest'
import { CIFAR10_BINARY, cifarBinaryReader } from '../../../src/data/files/cifarBinary.ts'
import type { Reader } from '../../../src/data/files/contents.ts'
import type { FileTree } from '../../../src/data/files/fileTree.ts'
import { CIFAR10_PICKLES, IMAGENET16_PICKLES, pickleReader } from '../../../src/data/files/pickledImages.ts'
import { openArchive } from '../../../src/data/files/tarArchive.ts'
import { readTestHalves } from '../../../src/data/testHalves.ts'
import { needsLittleMemory, survivesDamage } from '../../tables/damaged.ts'
import { temporaryFolder } from '../../tables/temporaryFolder.ts'
import { cifarRecords } from '../sampleFiles.ts'

const folder = temporaryFolder()
process.env.NAS_BENCH_HOME = join(folder, 'home')

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/data/${name}.tar.gz`, import.meta.url))

needsLittleMemory()

describe('damage to a dataset is survived:', () => {
  archived('CIFAR-10 pickles', 'cifar10-pickles', 'data_batch_1', pickleReader(CIFAR10_PICKLES))
  archived('their names', 'cifar10-pickles', 'batches.meta', pickleReader(CIFAR10_PICKLES))
  archived('ImageNet16 pickles', 'imagenet16-pickles', 'train_data_batch_1', pickleReader(IMAGENET16_PICKLES))

  const records = cifarRecords([[1], [2]])
  survivesDamage(
    'CIFAR-10 binaries',
    () => records,
    (damaged) =>
      readTree(cifarBinaryReader(CIFAR10_BINARY), { 'data_batch_1.bin': damaged, 'test_batch.bin': records }),
  )

  survivesDamage(
    'lists of the halves',
    () => Buffer.from(JSON.stringify({ xvalid: ['int', ['1', '2']], xtest: ['int', ['0', '3']] })),
    (damaged) => readTestHalves(treeOf({ 'cifar100-test-split.txt': damaged }), 4),
  )

  for (const [what, ending, whole] of [
    ['tar archives', 'tar', () => gunzipSync(readFileSync(fixture('cifar10-pickles')))],
    ['compressed archives', 'tar.gz', () => readFileSync(fixture('cifar10-pickles'))],
  ] as const) {
    survivesDamage(what, whole, async (damaged) => {
      const path = join(folder, `damaged.${ending}`)
      writeFileSync(path, damaged)
      await openArchive(path)
    })
  }
})

/** One file of an archive is damaged, the others are whole. */
function archived(what: string, archive: string, name: string, reader: Reader): void {
  const read = async () => {
    const tree = await openArchive(fixture(archive))
    return Object.fromEntries(await Promise.all(tree.paths.map(async (path) => [path, await tree.read(path)] as const)))
  }
  let whole: Record<string, Buffer> | undefined
  survivesDamage(
    what,
    async () => {
      whole = await read()
      return whole[name]
    },
    (damaged) => readTree(reader, { ...whole, [name]: damaged }),
  )
}

let reads = 0

const readTree = (reader: Reader, files: Record<string, Uint8Array>) =>
  reader.read(treeOf(files), {
    imageSize: null,
    sizeSetting: '--image-size 32',
    brokenImages: 'fail',
    report: () => undefined,
  })

const treeOf = (files: Record<string, Uint8Array>): FileTree => ({
  root: 'images',
  paths: Object.keys(files).sort(),
  folders: [],
  read: async (path) => Buffer.from(files[path]),
  locate: (path) => `images/${path}`,
  fingerprint: async () => `${String(reads++).padStart(32, '0')}`,
})

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openDataset } from '../../src/data/openDataset.ts'
import { cifarRecords, temporaryFolder, write } from './sampleFiles.ts'

const folder = temporaryFolder()
const real = fileURLToPath(new URL('../../../shared/data/cifar10', import.meta.url))

function writeCifar10(labels = [[3], [7]]): string {
  const at = join(folder.path, 'cifar')
  write(join(at, 'data_batch_2.bin'), cifarRecords([[5]]))
  write(join(at, 'data_batch_1.bin'), cifarRecords(labels))
  write(join(at, 'test_batch.bin'), cifarRecords([[9]]))
  return at
}

describe('CIFAR in its binary version', () => {
  it('reads records of all batches in order, planes interleaved', async () => {
    const { train, test, shape } = await openDataset('cifar10', { folder: writeCifar10() })
    expect([...train.labels]).toEqual([3, 7, 5])
    expect([...train.pixels.subarray(0, 6)]).toEqual([0, 1, 2, 0, 1, 2])
    expect([...train.pixels.subarray(3072, 3075)]).toEqual([10, 11, 12])
    expect([...test.labels]).toEqual([9])
    expect(shape).toEqual({ height: 32, width: 32, channels: 3, classes: 10 })
  })

  it('takes the fine label of CIFAR-100', async () => {
    const at = join(folder.path, 'cifar100')
    write(join(at, 'train.bin'), cifarRecords([[4, 99]]))
    write(join(at, 'test.bin'), cifarRecords([[1, 2]]))
    expect([...(await openDataset('cifar100', { folder: at })).train.labels]).toEqual([99])
  })

  it('looks into the one folder that an archive unpacks to', async () => {
    const at = join(folder.path, 'unpacked/cifar-10-batches-bin')
    write(join(at, 'data_batch_1.bin'), cifarRecords([[1]]))
    write(join(at, 'test_batch.bin'), cifarRecords([[1]]))
    expect((await openDataset('cifar10', { folder: join(folder.path, 'unpacked') })).train.count).toBe(1)
  })

  it('reads class names beside it', async () => {
    const at = writeCifar10()
    expect((await openDataset('cifar10', { folder: at })).classNames[3]).toBe('class 3')
    write(join(at, 'batches.meta.txt'), 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n')
    expect((await openDataset('cifar10', { folder: at })).classNames[3]).toBe('d')
    write(join(at, 'batches.meta.txt'), 'a\nb\n')
    await expect(openDataset('cifar10', { folder: at })).rejects.toThrow(/has 2 class names; expected 10, one a line/)
  })

  it('refuses half a record', async () => {
    const at = writeCifar10()
    write(join(at, 'data_batch_1.bin'), cifarRecords([[1], [2]]).subarray(0, 5000))
    await expect(openDataset('cifar10', { folder: at })).rejects.toThrow(
      /data_batch_1\.bin has 5000 bytes, which ends inside record 1; expected a multiple of 3073 bytes/,
    )
    write(join(at, 'data_batch_1.bin'), '')
    await expect(openDataset('cifar10', { folder: at })).rejects.toThrow(/data_batch_1\.bin is empty/)
  })

  it('refuses a label out of range', async () => {
    await expect(openDataset('cifar10', { folder: writeCifar10([[3], [10]]) })).rejects.toThrow(
      /data_batch_1\.bin, record 1: label 10; expected 0 … 9/,
    )
  })

  it('refuses a training set without a test set', async () => {
    const at = join(folder.path, 'half')
    write(join(at, 'data_batch_1.bin'), cifarRecords([[1]]))
    await expect(openDataset('cifar10', { folder: at })).rejects.toThrow(/has no test_batch\.bin/)
  })

  it('has a content hash that follows its content', async () => {
    const at = writeCifar10()
    const before = (await openDataset('cifar10', { folder: at })).contentHash
    expect((await openDataset('cifar10', { folder: at })).contentHash).toBe(before)
    writeCifar10([[3], [8]])
    expect((await openDataset('cifar10', { folder: at })).contentHash).not.toBe(before)
  })
})

describe('a dataset that cannot be opened', () => {
  it('says how to get it', async () => {
    await expect(openDataset('cifar10')).rejects.toThrow(
      'dataset cifar10 is not on this machine; get it with `bench data fetch cifar10` or name its folder with --data',
    )
    await expect(openDataset('cifar10', { folder: '/no/such' })).rejects.toThrow(/there is no \/no\/such; get it with/)
  })

  it('suggests the name that was meant, folder or not', async () => {
    await expect(openDataset('cifr10')).rejects.toThrow(/unknown dataset "cifr10"; did you mean "cifar10"\?/)
    await expect(openDataset('cifr10', { folder: folder.path })).rejects.toThrow(/did you mean "cifar10"\?/)
  })

  it('says what was found and what was looked for', async () => {
    write(join(folder.path, 'other/readme.txt'), 'hello')
    await expect(openDataset('cifar10', { folder: join(folder.path, 'other') })).rejects.toThrow(
      /does not hold cifar10: found readme\.txt; expected data_batch_\*\.bin and test_batch\.bin; or .*train\/CLASS/,
    )
    const file = write(join(folder.path, 'cifar.zip'), 'PK')
    await expect(openDataset('cifar10', { folder: file })).rejects.toThrow(/neither a folder nor a \.tar/)
  })

  it('does not read a folder for shapes', async () => {
    await expect(openDataset('shapes', { folder: folder.path })).rejects.toThrow(/shapes is drawn .* leave out --data/)
  })
})

describe.skipIf(!existsSync(real))(
  'the real CIFAR-10 sample beside the checkout (skipped where it is not there)',
  () => {
    it('is read from its binary files, and says what was left unread', async () => {
      const dataset = await openDataset('cifar10', { folder: real })
      expect([dataset.train.count, dataset.test.count]).toEqual([3000, 1000])
      expect(dataset.classNames[9]).toBe('truck')
      expect(dataset.origin).toMatch(/^binary .*; not read: .*images\.tar\.gz/)
    })
  },
)

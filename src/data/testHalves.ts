/**
 * The halves x-valid and x-test of a test set, NAS-Bench-201's validation and test images. For CIFAR-100 and
 * ImageNet16-120, the authors drew them at random once and published them as lists (`D-X-Y/AutoDL-Projects:
 * configs/nas-benchmark/*-test-split.txt`). A list in the folder of the images is read; without one, the test set is
 * divided at random with a fixed seed of this program.
 */

import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { random } from '../core/random.ts'
import { contentName } from '../system/json.ts'
import { balancedOrder } from './batches/subset.ts'
import type { Dataset, TestHalves } from './dataset.ts'
import type { FileTree } from './files/fileTree.ts'

const Indices = z.tuple([z.literal('int'), z.array(z.coerce.number().int().nonnegative())])
const Split = z.object({ xvalid: Indices, xtest: Indices })

/**
 * Reads the published halves of the test set from a file `*-test-split.txt` in the folder; returns undefined if there
 * is none.
 * @throws BenchError `bad-input` if the file does not list every test image exactly once
 */
export async function readTestHalves(tree: FileTree, testImages: number): Promise<TestHalves | undefined> {
  const file = tree.paths.find((path) => /^[^/]*-test-split\.txt$/.test(path))
  if (file === undefined) return undefined
  const { xvalid, xtest } = parseSplit((await tree.read(file)).toString('utf8'), tree.locate(file))
  const all = new Set([...xvalid[1], ...xtest[1]])
  const count = xvalid[1].length + xtest[1].length
  if (all.size === testImages && count === testImages && Math.max(...all) < testImages) {
    return { xValid: Uint32Array.from(xvalid[1]), xTest: Uint32Array.from(xtest[1]) }
  }
  throw new BenchError(
    'bad-input',
    `${tree.locate(file)} lists ${pluralize(count, 'image')}, ${all.size} of them different; the test set has ${testImages}`,
  )
}

function parseSplit(text: string, file: string): z.infer<typeof Split> {
  try {
    return Split.parse(JSON.parse(text))
  } catch (cause) {
    throw new BenchError(
      'bad-input',
      `${file} is not a split file; expected {"xvalid": ["int", […]], "xtest": ["int", […]]}`,
      {
        cause,
      },
    )
  }
}

/**
 * Returns the halves of a test set: those that the dataset's files list or, if there are none, a fixed random split
 * with the classes in proportion. They are the same for every architecture and seed.
 */
export function testHalvesOf({ test, testHalves }: Pick<Dataset, 'test' | 'testHalves'>): TestHalves {
  if (testHalves !== undefined) return testHalves
  const order = balancedOrder(test.labels, random(0, 'table', 'test halves'))
  const cut = Math.floor(order.length / 2)
  return { xValid: order.slice(0, cut).sort(), xTest: order.slice(cut).sort() }
}

/**
 * Returns a hash of the images and of the published halves of the test set, if any, since other halves give other
 * accuracies.
 */
export function imagesHash({ contentHash, testHalves }: Pick<Dataset, 'contentHash' | 'testHalves'>): string {
  return testHalves === undefined ? contentHash : contentName([contentHash, [...testHalves.xValid]])
}

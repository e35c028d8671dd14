/**
 * The halves x-valid and x-test of a test set, as NAS-Bench-201 cuts those of CIFAR-100 and ImageNet16-120. They were drawn
 * at random once and are published as lists (`D-X-Y/AutoDL-Projects: configs/nas-benchmark/*-test-split.txt`), which no
 * rule gives; they are read where such a file lies in the folder of the images.
 */
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import { random } from '../core/random.ts'
import { contentName } from '../system/json.ts'
import { balancedOrder } from './batches/subset.ts'
import type { Dataset, TestHalves } from './dataset.ts'
import type { FileTree } from './files/fileTree.ts'

const Indices = z.tuple([z.literal('int'), z.array(z.coerce.number().int().nonnegative())])
const Split = z.object({ xvalid: Indices, xtest: Indices })

/**
 * The halves that a split file of the tree names, or undefined where there is none.
 * @throws BenchError `bad-input` where they are no partition of the test set
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
    `${tree.locate(file)} lists ${count} images, ${all.size} of them different; the test set has ${testImages}`,
  )
}

function parseSplit(text: string, file: string): z.infer<typeof Split> {
  try {
    return Split.parse(JSON.parse(text))
  } catch (cause) {
    throw new BenchError(
      'bad-input',
      `${file} is no split file; expected {"xvalid": ["int", […]], "xtest": ["int", […]]}`,
      {
        cause,
      },
    )
  }
}

/**
 * A benchmark's own halves where a file beside the images names them; else the classes in proportion. The same for every
 * architecture and seed.
 */
export function testHalvesOf({ test, testHalves }: Pick<Dataset, 'test' | 'testHalves'>): TestHalves {
  if (testHalves !== undefined) return testHalves
  const order = balancedOrder(test.labels, random(0, 'table', 'test halves'))
  const cut = Math.floor(order.length / 2)
  return { xValid: order.slice(0, cut).sort(), xTest: order.slice(cut).sort() }
}

/** Names the images for a recipe: other halves of the same images are other numbers. */
export function imagesHash({ contentHash, testHalves }: Pick<Dataset, 'contentHash' | 'testHalves'>): string {
  return testHalves === undefined ? contentHash : contentName([contentHash, [...testHalves.xValid]])
}

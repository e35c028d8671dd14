/**
 * The halves x-valid and x-test of a test set, as NAS-Bench-201 cuts those of CIFAR-100 and ImageNet16-120. They were drawn
 * at random once and are published as lists (`D-X-Y/AutoDL-Projects: configs/nas-benchmark/*-test-split.txt`), which no
 * rule gives; they are read where such a file lies in the folder of the images.
 */
import { z } from 'zod'
import { BenchError } from '../core/errors.ts'
import type { FileTree } from './files/fileTree.ts'

/** Indices into the test set, disjoint, together all of it. */
export interface TestHalves {
  readonly xValid: Uint32Array
  readonly xTest: Uint32Array
}

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

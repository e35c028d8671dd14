/** The two halves of a test set that validation and test numbers of a table are measured on. */

import { random } from '../core/random.ts'
import { balancedOrder } from '../data/batches/subset.ts'
import type { Dataset } from '../data/dataset.ts'
import { contentName } from '../system/json.ts'

export interface Halves {
  readonly valid: Uint32Array
  readonly test: Uint32Array
}

/**
 * A benchmark's own halves where a file beside the images names them; else the classes in proportion. The same for every
 * architecture and seed.
 */
export function halvesOf({ test, testHalves }: Pick<Dataset, 'test' | 'testHalves'>): Halves {
  if (testHalves !== undefined) return { valid: testHalves.xValid, test: testHalves.xTest }
  const order = balancedOrder(test.labels, random(0, 'table', 'test halves'))
  const cut = Math.floor(order.length / 2)
  return { valid: order.slice(0, cut).sort(), test: order.slice(cut).sort() }
}

/** Names the images for a recipe: other halves of the same images are other numbers. */
export function imagesHash({ contentHash, testHalves }: Pick<Dataset, 'contentHash' | 'testHalves'>): string {
  return testHalves === undefined ? contentHash : contentName([contentHash, [...testHalves.xValid]])
}

/** The identity of a dataset's content. */
import { createHash } from 'node:crypto'
import type { ImageShape } from '../../core/data.ts'
import type { ImageSet } from '../dataset.ts'

/** SHA-256 over shape, pixels and labels of both sets, hexadecimal. The file format that they came in does not enter. */
export function contentHash(shape: ImageShape, train: ImageSet, test: ImageSet): string {
  const { height, width, channels, classes } = shape
  const hash = createHash('sha256').update(JSON.stringify([height, width, channels, classes, train.count, test.count]))
  for (const { pixels, labels } of [train, test]) {
    hash.update(pixels).update(Int16Array.from(labels))
  }
  return hash.digest('hex')
}

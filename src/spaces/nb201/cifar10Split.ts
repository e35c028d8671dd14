/** The benchmark's halves of CIFAR-10's training set: `cifar10-valid` trains on one and validates on the other. */
import { pythonShuffle } from './pythonRandom.ts'

const SEED = 1021
const TRAINING_IMAGES = 50_000

/** Ascending indices into the 50,000 training images in the order of `data_batch_1.bin` … `data_batch_5.bin`. */
export function officialCifar10Split(): { readonly train: Uint32Array; readonly valid: Uint32Array } {
  const order = pythonShuffle(SEED, TRAINING_IMAGES)
  const half = TRAINING_IMAGES / 2
  return { train: order.slice(0, half).sort(), valid: order.slice(half).sort() }
}

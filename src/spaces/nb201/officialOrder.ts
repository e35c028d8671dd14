/**
 * Two random orders that the authors of NAS-Bench-201 made with Python's random generator. They are recomputed here so
 * that no data file is needed: the numbering of the architectures, and the halves of CIFAR-10's training set. The
 * numbering lists all 5⁶ strings in lexicographic order of their operations, shuffled with seed 88.
 */
import { BenchError } from '../../core/errors.ts'
import type { BenchmarkSplit } from '../../core/space.ts'
import { encoding, type Nb201Genotype, positionOf } from './genotype.ts'
import { pythonShuffle } from './pythonRandom.ts'
import { EDGES, OPERATIONS } from './topology.ts'

/** Number of architectures in NAS-Bench-201: 5⁶ = 15,625. */
export const ARCHITECTURE_COUNT = OPERATIONS.length ** EDGES.length

const ARCHITECTURE_SEED = 88

/**
 * The shuffle of all architectures: `positions[index]` is the position in the unshuffled list of the architecture with
 * this index; `indices` is the inverse permutation.
 */
interface Order {
  readonly positions: Uint32Array
  readonly indices: Uint32Array
}

let computed: Order | undefined

function order(): Order {
  if (computed !== undefined) return computed
  const positions = pythonShuffle(ARCHITECTURE_SEED, ARCHITECTURE_COUNT)
  const indices = new Uint32Array(ARCHITECTURE_COUNT)
  positions.forEach((position, index) => {
    indices[position] = index
  })
  computed = { positions, indices }
  return computed
}

/** Returns the index of an architecture in NAS-Bench-201 and in NATS-Bench's topology space, 0 … 15,624. */
export function indexOf(genotype: Nb201Genotype): number {
  return order().indices[positionOf(genotype)]
}

/** Returns the architecture with a given index in NAS-Bench-201. @throws BenchError `bad-input` outside 0 … 15,624 */
export function atIndex(index: number): Nb201Genotype {
  if (!Number.isInteger(index) || index < 0 || index >= ARCHITECTURE_COUNT) {
    throw new BenchError('bad-input', `nb201 has no architecture ${index}; indices are 0 to ${ARCHITECTURE_COUNT - 1}`)
  }
  const position = order().positions[index]
  const digit = (edge: number) => Math.floor(position / OPERATIONS.length ** (EDGES.length - 1 - edge))
  return encoding.decode(EDGES.map((_, edge) => digit(edge) % OPERATIONS.length))
}

const SPLIT_SEED = 1021
const TRAINING_IMAGES = 50_000

/**
 * NAS-Bench-201's halves of CIFAR-10's training set: its networks for the dataset `cifar10-valid` are trained on
 * `train` and validated on `valid`. The halves are ascending indices into the 50,000 training images in the order of
 * `data_batch_1.bin` … `data_batch_5.bin`.
 */
export function officialCifar10Split(): { readonly train: Uint32Array; readonly valid: Uint32Array } {
  const order = pythonShuffle(SPLIT_SEED, TRAINING_IMAGES)
  const half = TRAINING_IMAGES / 2
  return { train: order.slice(0, half).sort(), valid: order.slice(half).sort() }
}

/** Split of the training images in the searches of NAS-Bench-201's authors, by dataset. */
export const benchmarkSplits: Readonly<Record<string, BenchmarkSplit>> = {
  cifar10: { trainPortion: 0.5, halves: officialCifar10Split },
  cifar100: { trainPortion: 1 },
  'ImageNet16-120': { trainPortion: 1 },
}

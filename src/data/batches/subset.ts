/** Seeded choices of images: a random order that keeps the classes in proportion, and the two halves of a search. */
import { BenchError } from '../../core/errors.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { RandomStream } from '../../core/random.ts'

/**
 * A random order of all images in which every prefix holds the classes in (nearly) their overall proportions: the
 * k-th image drawn of a class of m images stands at a uniformly random place of the interval [k/m, (k + 1)/m).
 */
export function balancedOrder(labels: Int32Array, stream: RandomStream): Uint32Array {
  const sizes = new Map<number, number>()
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1)
  const seen = new Map<number, number>()
  const shuffled = stream.permutation(labels.length)
  const places = Float64Array.from(shuffled, (index) => {
    const label = labels[index]
    const k = seen.get(label) ?? 0
    seen.set(label, k + 1)
    return (k + stream.uniform()) / (sizes.get(label) ?? 1)
  })
  return Uint32Array.from(shuffled.keys())
    .sort((a, b) => places[a] - places[b])
    .map((position) => shuffled[position])
}

/**
 * Two disjoint shares of the first `limit` images (of all where null) in a balanced order of the seed, or with
 * `split=fixed` in the order of the files: `trainPortion` of them for w, then `architecturePortion` for α, or the rest where
 * absent.
 * @throws BenchError `bad-input` where the shares are more than all, or a fixed split would part the classes
 */
export function searchHalves(
  labels: Int32Array,
  {
    trainPortion,
    architecturePortion,
    limit,
    split,
  }: Pick<Protocol['data'], 'trainPortion' | 'architecturePortion' | 'limit' | 'split'>,
  stream: RandomStream,
): { readonly weights: Uint32Array; readonly architecture: Uint32Array } {
  const chosenCount = Math.min(limit ?? labels.length, labels.length)
  const { cut, end } = halvesOf(chosenCount, { trainPortion, architecturePortion })
  const order = split === 'fixed' ? fileOrder(labels) : balancedOrder(labels, stream)
  return { weights: order.slice(0, cut), architecture: order.slice(cut, end) }
}

/**
 * Where the half for w ends, and where the half for α, of so many images.
 * @throws BenchError `bad-input` where the shares are more than all
 */
export function halvesOf(
  count: number,
  { trainPortion, architecturePortion }: Pick<Protocol['data'], 'trainPortion' | 'architecturePortion'>,
): { readonly cut: number; readonly end: number } {
  if (trainPortion + (architecturePortion ?? 0) > 1) {
    const shares = `${trainPortion} of the images for weights and ${architecturePortion ?? 0} for the architecture`
    throw new BenchError('bad-input', `${shares} are more than there are; give shares that add up to 1 at most`)
  }
  const cut = Math.floor(trainPortion * count)
  return { cut, end: architecturePortion === undefined ? count : cut + Math.floor(architecturePortion * count) }
}

/** @throws BenchError `bad-input` where the images are stored class by class, as folders of classes are */
function fileOrder(labels: Int32Array): Uint32Array {
  if (labels.length > 1 && labels.every((label, i) => i === 0 || labels[i - 1] <= label)) {
    const found = 'data.split=fixed: the images are stored class by class, so w and α would see different classes'
    throw new BenchError('bad-input', `${found}; add data.split=seeded to the protocol`)
  }
  return Uint32Array.from(labels.keys())
}

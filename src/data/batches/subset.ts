/**
 * Chooses images with a seed: a random order that keeps the classes in proportion, and the weight half and architecture
 * half of a search.
 */
import { areStated, type ClassWeighting, orderedClassWeights } from '../../core/classWeights.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { RandomStream } from '../../core/random.ts'

/**
 * Returns a random order of all images in which every prefix has the classes in (nearly) their overall proportions. It
 * sorts the images by a random key: the k-th image drawn of a class of m images gets a uniform key in [k/m, (k + 1)/m).
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
 * Draws as many images as there are labels, with every class equally often (±1, which classes get one more is random),
 * in random order. Images of a class smaller than its share repeat, all equally often (±1); of a larger class a random
 * part is drawn.
 */
export function equalClasses(labels: Int32Array, stream: RandomStream): Uint32Array {
  const members = new Map<number, number[]>()
  labels.forEach((label, i) => {
    const known = members.get(label)
    if (known === undefined) members.set(label, [i])
    else known.push(i)
  })
  const classes = [...members.keys()].sort((a, b) => a - b)
  const share = Math.floor(labels.length / classes.length)
  const withOneMore = new Set(stream.permutation(classes.length).slice(0, labels.length % classes.length))
  const drawn = classes.flatMap((label, i) => {
    const images = members.get(label) ?? []
    const quota = share + (withOneMore.has(i) ? 1 : 0)
    const repeated = Array.from({ length: Math.floor(quota / images.length) }, () => images).flat()
    const part = stream.permutation(images.length).slice(0, quota % images.length)
    return [...repeated, ...Array.from(part, (place) => images[place])]
  })
  return stream.permutation(drawn.length).map((place) => drawn[place])
}

/**
 * Returns the weight of each class in the loss by which every class counts alike: n / (classes · n_c) for n images, n_c
 * of them in class c, as scikit-learn's `class_weight='balanced'`. Equal classes have weight 1.
 * @param labels label of each training image
 * @throws BenchError `bad-input` that names a class without images
 */
export function balancedClassWeights(labels: Int32Array, classNames: readonly string[]): readonly number[] {
  const counts = new Array<number>(classNames.length).fill(0)
  for (const label of labels) counts[label]++
  const empty = counts.indexOf(0)
  if (empty < 0) return counts.map((count) => labels.length / (counts.length * count))
  const found = `classWeights=balanced: class ${classNames[empty]} has none of the ${pluralize(labels.length, 'training image')}`
  throw new BenchError('bad-input', `${found}, so it has no weight; add images or raise the limit`)
}

/**
 * Returns the weight of each class in the loss; undefined if all images count alike.
 * @param labels returns the label of each training image
 * @throws BenchError `unknown-name` or `bad-input` if the weights do not fit the classes
 */
export function classWeightsOf(
  weighting: ClassWeighting | undefined,
  labels: () => Int32Array,
  classNames: readonly string[],
): readonly number[] | undefined {
  if (areStated(weighting)) return orderedClassWeights(weighting, classNames)
  return weighting === 'balanced' ? balancedClassWeights(labels(), classNames) : undefined
}

/**
 * Refuses settings that balance the classes twice, by sampling and by weights in the loss, so that rare classes would
 * count more than common ones.
 * @throws BenchError `bad-input`
 */
export function requireOneBalance({
  sampling,
  classWeights,
}: Pick<Protocol['data'], 'sampling' | 'classWeights'>): void {
  if (sampling !== 'balanced' || classWeights !== 'balanced') return
  const found = 'sampling=balanced and classWeights=balanced each make the classes count alike'
  throw new BenchError('bad-input', `${found}; leave one of them out`)
}

/**
 * Splits the training images into the weight half and the architecture half. Only the first `limit` images (null: all)
 * are used: first in a seeded order that keeps the classes in proportion or, with `split=fixed`, in the order of the
 * files. The weight half is the fraction `trainPortion` of them; the architecture half is the fraction
 * `architecturePortion` that follows, or the rest if absent.
 * @throws BenchError `bad-input` if the fractions exceed 1, or a fixed split would give the halves different classes
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
 * Returns the end positions of the weight half (`cut`) and of the architecture half (`end`) among `count` images.
 * @throws BenchError `bad-input` if the two fractions exceed 1
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

/**
 * Returns the images' indices in the order of the files.
 * @throws BenchError `bad-input` if the images are stored class by class
 */
function fileOrder(labels: Int32Array): Uint32Array {
  if (labels.length > 1 && labels.every((label, i) => i === 0 || labels[i - 1] <= label)) {
    const found = 'data.split=fixed: the images are stored class by class, so w and α would see different classes'
    throw new BenchError('bad-input', `${found}; add data.split=seeded to the protocol`)
  }
  return Uint32Array.from(labels.keys())
}

/** The datasets that the program knows by name: description, number of images, and folder on this machine. */
import type { ImageCounts } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import { isFileName, isReservedName } from '../core/names.ts'
import { benchCommand, grouped } from '../core/plainText.ts'
import { isThere } from '../system/readable.ts'
import { userFolder } from '../system/userFolder.ts'

/** Side of the square images of each known dataset, in pixels; the photographs of ImageNet have many sizes. */
const SIDES: Readonly<Record<string, number>> = { shapes: 16, cifar10: 32, cifar100: 32, 'ImageNet16-120': 16 }

/** Returns the side of a known dataset's images in pixels; undefined if they have many sizes or it is unknown. */
export const imageSide = (name: string): number | undefined => SIDES[name]

/** Number of training and test images of each published dataset. A folder with fewer images is an incomplete copy. */
const SIZES: Readonly<Record<string, { readonly train: number; readonly test: number }>> = {
  cifar10: { train: 50_000, test: 10_000 },
  cifar100: { train: 50_000, test: 10_000 },
  'ImageNet16-120': { train: 151_700, test: 6000 },
  imagenet: { train: 1_281_167, test: 50_000 },
}

/**
 * Describes an incomplete copy of a published dataset: `10,000 of its 50,000 training images`. Returns undefined if no
 * image is missing, or the dataset is not a published one.
 */
export function missingImages(name: string, { train, test }: Pick<ImageCounts, 'train' | 'test'>): string | undefined {
  const whole = SIZES[name]
  if (whole === undefined) return undefined
  const share = (found: number, all: number, what: string) =>
    found < all ? [`${grouped(found)} of its ${grouped(all)} ${what} images`] : []
  return [...share(train, whole.train, 'training'), ...share(test, whole.test, 'test')].join(' and ') || undefined
}

const DESCRIPTIONS = {
  shapes: 'built in: 16×16 drawings in 10 classes, made by a seeded generator',
  cifar10: '50,000 + 10,000 photographs of 32×32 pixels in 10 classes (Krizhevsky, 2009)',
  cifar100: '50,000 + 10,000 photographs of 32×32 pixels in 100 classes (Krizhevsky, 2009)',
  'ImageNet16-120':
    '151,700 + 6,000 photographs of 16×16 pixels: the first 120 classes of ImageNet (Chrabaszcz et al., 2017)',
} as const

/** Name of a known dataset that is read from files. */
export type FileDatasetName = Exclude<keyof typeof DESCRIPTIONS, 'shapes'>

/** Name and description of each known dataset, as `bench list datasets` shows them. */
export const DATASETS: readonly { readonly name: string; readonly description: string }[] = Object.entries(
  DESCRIPTIONS,
).map(([name, description]) => ({ name, description }))

/**
 * Returns a known dataset's name in its usual spelling, whatever the upper and lower case; other names are returned
 * unchanged.
 * @throws BenchError `bad-input` for a name that JavaScript reserves, which no record may have
 */
export function knownName(typed: string): string {
  if (isReservedName(typed)) {
    throw new BenchError(
      'bad-input',
      `"${typed}" is no name for a dataset, since JavaScript reserves it; choose another`,
    )
  }
  return DATASETS.find(({ name }) => name.toLowerCase() === typed.toLowerCase())?.name ?? typed
}

/** Pages from which the user can download the datasets that `bench data fetch` cannot get, by name of the dataset. */
const OFFERED_AT: Readonly<Record<string, string>> = { 'ImageNet16-120': 'https://image-net.org/download-images' }

/** Returns the end of an error message that tells the user how to get a dataset that is not on this machine. */
export function howToGet(name: string): string {
  const known = DATASETS.some((dataset) => dataset.name === name)
  if (!known) return 'name its folder with --data'
  const page = OFFERED_AT[name]
  if (page !== undefined) return `get it at ${page} and name its folder with --data`
  return `get it with \`${benchCommand('data', 'fetch', name)}\` or name its folder with --data`
}

/**
 * Returns the folder into which `bench data fetch` puts a dataset, and in which the dataset is looked for if the user
 * names no folder.
 * @throws BenchError `bad-input` for a name that would lead out of the user's data folder
 */
export function datasetFolder(name: string): string {
  if (!isFileName(name)) {
    throw new BenchError(
      'bad-input',
      `"${name}" is not the name of a dataset; give a name without / and its folder with --data`,
    )
  }
  return userFolder('datasets', name)
}

/** Returns whether the user's data folder contains the dataset. */
export function isFetched(name: string): boolean {
  return isThere(datasetFolder(name))
}

/** Returns all known datasets with description, and for each its folder on this machine or how to get it. */
export function datasetsHere(): { name: string; description: string; where: string }[] {
  return DATASETS.map(({ name, description }) => ({ name, description, where: whereIs(name) }))
}

function whereIs(name: string): string {
  if (name === 'shapes') return 'built in'
  return isFetched(name) ? datasetFolder(name) : `not here; ${howToGet(name)}`
}

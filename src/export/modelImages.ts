/**
 * Reads image files and datasets as input of a trained network: scaled and normalised like the images it was trained
 * on.
 */
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Batch } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import type { TrainedInput } from '../core/retraining.ts'
import { normalisationTable, normaliseImage } from '../data/batches/transforms.ts'
import { countsOf } from '../data/dataset.ts'
import { type BrokenImages, reportSkipped, SKIP_OPTION } from '../data/files/brokenImages.ts'
import { type FileTree, openFolder } from '../data/files/fileTree.ts'
import { namesFolder, parseImageFolder, splitText } from '../data/files/imageFolder.ts'
import { hasClassFolders, hasImageLayout, isImage, testLayout } from '../data/files/imageLayout.ts'
import { trainingData } from '../data/imagesInMemory.ts'
import { openDataset } from '../data/openDataset.ts'
import { openImages } from '../retrain/images.ts'
import { statIfThere } from '../system/readable.ts'
import type { TrainedModel } from './trainedModel.ts'

/** Labelled images to test a trained network on. */
export interface TestImages {
  readonly name: string
  readonly count: number
  /** Yields all test images once, in batches. */
  batches(): Iterable<Batch> | AsyncIterable<Batch>
  /** Stops the threads that decode images; absent if there are none. */
  close?(): Promise<void>
}

export interface TestImagesRequest extends Omit<BrokenImages, 'skipSetting'> {
  /** Name of the dataset, or path of an image folder; absent: the dataset of the training. */
  readonly dataset?: string
  /** Folder of the dataset's images; absent: the user's data folder, or a built-in dataset. */
  readonly folder?: string
  readonly batchSize: number
}

type Normalised = Pick<TrainedModel, 'input' | 'record'>

/**
 * Opens the test images of a dataset for a trained network: the test set of a known dataset or of a folder with
 * `train/` and `val/`, or all images of a folder of class folders.
 * @throws BenchError `bad-input` if the network does not have these classes; `missing` or `corrupt` for the files
 */
export async function openTestImages(model: Normalised, request: TestImagesRequest): Promise<TestImages> {
  const { name, folder } = placeOf(model, request)
  const undivided = folder === undefined ? undefined : await undividedFolder(folder)
  const own = undivided && (await trainingsDivision(model, name, undivided))
  if (undivided !== undefined && own === undefined) {
    const { tree, tested } = undivided
    const labels = relabelled(tested.classNames, model.input, name)
    const files = tested.test.map(({ path, label }) => ({ path: resolve(tree.locate(path)), label: labels[label] }))
    requireEveryClass(
      files.map(({ label }) => label),
      model.input,
      name,
    )
    return { name, count: files.length, batches: () => decodedBatches(model, files, request) }
  }
  const isStreamed = model.record.job.settings.network.family === 'imagenet'
  const open = isStreamed ? openStreamed : openInMemory
  if (own === undefined) return open(model, name, folder, request)
  const images = await open(model, name, own, request)
  request.report?.(
    `${folder} has the images of the training; only its ${pluralize(images.count, 'test image')} are used`,
  )
  return images
}

/** An image folder that is not divided into training and test images, so that all its images may be test images. */
interface UndividedFolder {
  readonly path: string
  readonly tree: FileTree
  readonly tested: NonNullable<ReturnType<typeof testLayout>>
}

/**
 * Returns the image folder if it holds one set of images. Returns undefined if it is divided into training and test
 * images: it has subfolders such as `train` and `test`, or the path that the user typed names one of these.
 */
async function undividedFolder(folder: string): Promise<UndividedFolder | undefined> {
  const { path, split } = parseImageFolder(folder)
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false
  if (!isFolder || split !== undefined) return undefined
  const tree = await openFolder(path)
  const tested = hasImageLayout(tree) ? undefined : testLayout(tree)
  return tested && { path, tree, tested }
}

/**
 * If the network was trained on images of this folder, returns the folder's path with the division into training and
 * test images that the training used, since only these test images are new to the network. Returns undefined for other
 * images.
 */
async function trainingsDivision(
  { record }: Normalised,
  name: string,
  { path, tree }: UndividedFolder,
): Promise<string | undefined> {
  const { dataset, settings } = record.job
  if (dataset.split === undefined || !hasClassFolders(tree)) return undefined
  const folder = path + splitText(dataset.split)
  const images = await openImages({ name, folder, settings }).catch(() => undefined)
  return images?.contentHash === dataset.contentHash ? folder : undefined
}

/**
 * Returns name and folder of the test images. If the user gives a folder as the dataset, it is named by its path's last
 * part.
 */
function placeOf({ record }: Normalised, { dataset = record.job.dataset.name, folder }: TestImagesRequest) {
  if (!/[/\\]/.test(dataset) && (folder !== undefined || !namesFolder(dataset))) return { name: dataset, folder }
  if (folder === undefined) return { name: basename(resolve(parseImageFolder(dataset).path)), folder: dataset }
  throw new BenchError('bad-input', `--dataset ${dataset} is a folder already; leave out --data ${folder}`)
}

async function openInMemory(
  { input, record }: Normalised,
  name: string,
  folder: string | undefined,
  { batchSize, brokenImages, report }: TestImagesRequest,
): Promise<TestImages> {
  const { height, width, mean, std } = input
  const imageSize = height === width ? height : null
  const sizeSetting = 'images of one size'
  const broken = { brokenImages, skipSetting: SKIP_OPTION, report }
  const dataset = await openDataset(name, { folder, imageSize, sizeSetting, ...broken })
  const labels = relabelled(dataset.classNames, input, name)
  const own = Int32Array.from(dataset.test.labels, (label) => labels[label])
  requireEveryClass(own, input, name)
  const test = { ...dataset.test, labels: own }
  // How the classes counted in the training says nothing about other images.
  const data = { ...record.job.settings.data, imageSize, classWeights: 'none', sampling: 'uniform' } as const
  const images = trainingData({ ...dataset, test, mean, std }, { data, batchSize, seed: 0 })
  if (images.shape.height !== height || images.shape.width !== width) {
    const found = `${name} has images of ${images.shape.height}×${images.shape.width}`
    throw new BenchError('bad-input', `${found}, and the network takes ${height}×${width}; scale them first`)
  }
  return { name, count: countsOf(dataset).test, batches: () => images.test() }
}

async function openStreamed(
  { input }: Normalised,
  name: string,
  folder: string | undefined,
  { batchSize, brokenImages, report }: TestImagesRequest,
): Promise<TestImages> {
  const broken = { brokenImages, skipSetting: SKIP_OPTION, report }
  const [{ openImageStream }, { streamedTrainingData }] = await Promise.all([
    import('../data/photographs/imageStream.ts'),
    import('../data/photographs/streamedData.ts'),
  ])
  const stream = await openImageStream(name, folder, input.height)
  const labels = relabelled(stream.classNames, input, name)
  const test = { ...stream.test, labels: Int32Array.from(stream.test.labels, (label) => labels[label]) }
  requireEveryClass(test.labels, input, name)
  const statistics = { mean: input.mean, std: input.std }
  const images = streamedTrainingData({ ...stream, test, statistics }, { batchSize, ...broken, seed: 0 })
  return { name, count: test.paths.length, batches: () => images.test(), close: () => images.close() }
}

/** For each class of the images, returns its number among the network's classes. @throws BenchError `bad-input` */
function relabelled(classNames: readonly string[], { classNames: known }: TrainedInput, name: string): number[] {
  const unknown = classNames.filter((each) => !known.includes(each))
  if (unknown.length > 0) {
    const found = `${name} has ${listed('class', unknown)}`
    const expected = `the network tells apart ${listed('class', known)}`
    throw new BenchError('bad-input', `${found}, and ${expected}; name images of these classes`)
  }
  return classNames.map((each) => known.indexOf(each))
}

/** Checks that there are images of every class of a network. @throws BenchError `bad-input` if not */
function requireEveryClass(labels: Iterable<number>, { classNames }: TrainedInput, name: string): void {
  const present = new Set(labels)
  const missing = classNames.filter((_, label) => !present.has(label))
  if (missing.length === 0) return
  throw new BenchError(
    'bad-input',
    `${name} has no test images of ${listed('class', missing)}, which the network tells apart; add some`,
  )
}

/** Returns a noun and up to five names, for messages: `class "cat"`, `classes "cat", "dog" and 3 more`. */
function listed(noun: string, names: readonly string[]): string {
  const shown = names.slice(0, 5).map((each) => `"${each}"`)
  const all = names.length > 5 ? `${shown.join(', ')} and ${names.length - 5} more` : shown.join(', ')
  return `${names.length === 1 ? noun : `${noun}es`} ${all}`
}

/**
 * Returns the paths of image files that a user names: each file itself, and all JPEG and PNG files of each folder.
 * @throws BenchError `missing` for a path that does not exist, and for a folder without such files
 */
export async function imageFiles(named: readonly string[]): Promise<readonly string[]> {
  const listed = named.map(async (path) => {
    const found = statIfThere(path)
    if (found === undefined) {
      throw new BenchError('missing', `there is no ${path}; name JPEG or PNG files, or folders with some`)
    }
    if (!found.isDirectory()) return [path]
    const { paths, locate } = await openFolder(path)
    const images = paths.filter(isImage).map(locate)
    if (images.length > 0) return images
    throw new BenchError('missing', `there is no JPEG or PNG file in ${path}; name image files or a folder with some`)
  })
  return (await Promise.all(listed)).flat()
}

/** Decodes an image file to the input of a network: normalised values of shape [height, width, 3]. */
type ImageDecoder = (path: string) => Promise<Float32Array<ArrayBuffer>>

/**
 * Returns the function that decodes image files for a trained network as the test images of its training were decoded.
 * For CIFAR's stem, the central square is scaled by box averages; for ImageNet's stem, the central crop of the
 * photograph is taken.
 */
async function imageDecoder({ input, record }: Normalised): Promise<ImageDecoder> {
  const { height, width, channels, mean, std } = input
  const statistics = { mean, std }
  const length = height * width * channels
  if (record.job.settings.network.family === 'imagenet') {
    const { decodePhotograph } = await import('../data/photographs/decodePhotograph.ts')
    return async (path) => {
      const target = new Float32Array(length)
      await decodePhotograph({ path, augmentation: null }, { imageSize: height, statistics }, target)
      return target
    }
  }
  const { decodeImageFile } = await import('../data/files/decodeImages.ts')
  const table = normalisationTable(statistics)
  return async (path) => {
    const target = new Float32Array(length)
    normaliseImage(await decodeImageFile(path, { height, width }), target, table)
    return target
  }
}

interface LabelledPath {
  readonly path: string
  readonly label: number
}

/** A batch of images that were decoded from files. */
export interface DecodedBatch extends Batch {
  /** Path of the file of each image. */
  readonly paths: readonly string[]
}

/** Decodes image files and yields them in batches, in order. One batch at a time is in memory. */
export async function* decodedBatches(
  model: Normalised,
  files: readonly LabelledPath[],
  { batchSize, brokenImages, report }: Pick<TestImagesRequest, 'batchSize' | 'brokenImages' | 'report'>,
): AsyncGenerator<DecodedBatch> {
  const decode = await imageDecoder(model)
  let decodedCount = 0
  for (let from = 0; from < files.length; from += batchSize) {
    const part = files.slice(from, from + batchSize)
    const decoded = await Promise.all(
      part.map(({ path }) =>
        decode(path).catch((error) => {
          reportSkipped(error, { brokenImages, skipSetting: SKIP_OPTION, report })
          return undefined
        }),
      ),
    )
    const kept = decoded.flatMap((image, i) => (image === undefined ? [] : [{ image, ...part[i] }]))
    decodedCount += kept.length
    const paths = kept.map(({ path }) => path)
    if (kept.length > 0) yield { ...batchOf(kept, from / batchSize), paths }
  }
  if (decodedCount > 0) return
  throw new BenchError('corrupt', `none of the ${pluralize(files.length, 'image')} could be decoded`)
}

/**
 * Returns decoded images as a batch. @param index number of the batch, which selects the random stream for the
 * operation `noise`
 */
function batchOf(images: readonly { readonly image: Float32Array; readonly label: number }[], index: number): Batch {
  const all = new Float32Array(images.length * images[0].image.length)
  images.forEach(({ image }, i) => {
    all.set(image, i * image.length)
  })
  return {
    ...{ images: all, size: images.length, labels: Int32Array.from(images, ({ label }) => label) },
    randomKey: { seed: 0, path: ['data', 'test', 'batch', index] },
  }
}

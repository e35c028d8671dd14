/**
 * Handles the images that jobs train on: checks that a protocol fits them, computes the content hash that is part of a
 * job's identity, and opens them as batches. Small images are kept in memory; photographs are decoded when they are
 * needed.
 */
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { ProgramImages } from '../../core/algorithm.ts'
import { areStated, type ClassWeighting, requireFittingWeights } from '../../core/classWeights.ts'
import type { ImageCounts, SearchData } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import { once } from '../../core/onceEach.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { Job } from '../../core/result.ts'
import type { BenchmarkSplit, SearchSpace } from '../../core/space.ts'
import { everyRow } from '../../data/batches/imageView.ts'
import { countsOf, type Dataset } from '../../data/dataset.ts'
import { datasetFolder } from '../../data/datasetNames.ts'
import type { BrokenImages } from '../../data/files/brokenImages.ts'
import type { ImageSize } from '../../data/files/fileDatasets.ts'
import type { SearchHalves } from '../../data/imagesInMemory.ts'
import { openDataset } from '../../data/openDataset.ts'
import { limitOf } from '../../system/limits.ts'

/**
 * Tells whether the protocol trains the supernet on photographs such as ImageNet's, which are decoded when they are
 * needed.
 */
const onPhotographs = ({ network }: Protocol): boolean => network.family === 'imagenet'

/** Checks that a protocol's image settings fit the search space and the dataset. @throws BenchError if they do not */
export function checkSearchable(protocol: Protocol, space: SearchSpace, dataset: string): void {
  const { supernetSettings = [] } = space
  if (protocol.data.split === 'benchmark') checkBenchmarkSplit(protocol, space, dataset)
  if (dataset === 'imagenet' && !onPhotographs(protocol)) {
    const remedy = 'use pcdarts-paper, drnas-paper or micro, or add network.family=imagenet'
    throw new BenchError('unsupported', `protocol ${protocol.name} has no search on imagenet; ${remedy}`)
  }
  const [setting] = [
    ...(onPhotographs(protocol) && !supernetSettings.includes('family') ? ['network.family=imagenet'] : []),
    ...(protocol.network.dropPath && !supernetSettings.includes('dropPath') ? ['network.dropPath'] : []),
  ]
  if (setting === undefined) return
  const found = `${setting} is a setting of the DARTS space, not of ${space.name}`
  const remedy = setting === 'network.dropPath' ? 'use --space darts, or add network.dropPath=0' : 'use --space darts'
  throw new BenchError('unsupported', `${found}; ${remedy}`)
}

/**
 * Returns the content hash of the images that a search trains on, and the rule by which the program divided them into
 * training and test images. Both are part of the job's identity.
 * @throws BenchError for missing or damaged image files
 */
export async function searchImagesIdentity(
  protocol: Protocol,
  dataset: string,
  folder: string | undefined,
  report: (line: string) => void,
): Promise<ImagesIdentity> {
  const { classWeights } = protocol.data
  if (!onPhotographs(protocol)) {
    return datasetIdentity({ name: dataset, folder, report, classWeights, ...searchImageSize(protocol) })
  }
  const { openImageStream } = await import('../../data/photographs/imageStream.ts')
  const { contentHash, split, notes, classNames } = await openImageStream(dataset, folder)
  requireFittingWeights(classWeights, classNames)
  for (const note of notes) report(note)
  return { contentHash, ...(split && { split }) }
}

/**
 * What identifies a job's images: the content hash and, unless the files define training and test images, the rule by
 * which the program divided them.
 */
export type ImagesIdentity = Required<Pick<Job['dataset'], 'contentHash'>> & Pick<Job['dataset'], 'split'>

/**
 * Returns the side in pixels to which a search scales its images, and the command-line setting that changes it, for
 * messages.
 */
export const searchImageSize = (protocol: Protocol): ImageSize => ({
  imageSize: protocol.data.imageSize,
  sizeSetting: protocolOption(protocol, 'data.imageSize', '32'),
})

/** Returns the command-line option that changes one setting of a protocol, for messages. */
function protocolOption({ name }: Protocol, setting: string, value: string): string {
  const [preset, ...changes] = name.split(/[:,]/).filter((part) => !part.startsWith(`${setting}=`))
  return `--protocol ${preset}:${[...changes, `${setting}=${value}`].join(',')}`
}

/** Where the images of a search are, and functions that open the dataset and inform the user. */
export interface SearchImages {
  /** The search space of the search that trains on these images. */
  readonly space: SearchSpace
  readonly folder?: string
  /** Opens the dataset of the search if its images are kept in memory. */
  dataset(): Promise<Dataset>
  /** Called with a message to the user for each photograph that the search skips. */
  report(line: string): void
}

/** The batches of images that a search trains on, and the numbers of images in them. */
export interface OpenSearchData extends SearchData {
  readonly images: ImageCounts
  close?(): Promise<void>
}

/**
 * Opens the batches of images that one search trains on. Batches of photographs keep decoding threads running until
 * they are closed.
 */
export async function openSearchData(
  { dataset: planned, protocol, seed }: Job,
  { space, folder, dataset, report }: SearchImages,
): Promise<OpenSearchData> {
  const { data, batchSize, epochs } = protocol
  if (!onPhotographs(protocol)) {
    const { searchData } = await import('../../data/imagesInMemory.ts')
    const images = requireUnchanged(await dataset(), planned)
    const halves = data.split === 'benchmark' ? benchmarkSplit(space, images) : undefined
    const search = searchData(images, { data, batchSize, seed, epochs, ...(halves && { halves }) })
    return { ...search, images: countsOf(images) }
  }
  const { openImageStream, streamCounts } = await import('../../data/photographs/imageStream.ts')
  const { streamedSearchData } = await import('../../data/photographs/streamedData.ts')
  const stream = requireUnchanged(await openImageStream(planned.name, folder, data.imageSize ?? undefined), planned)
  const search = streamedSearchData(stream, {
    ...{ data, batchSize, seed, report, skipSetting: protocolOption(protocol, 'data.brokenImages', 'skip') },
    ...{ brokenImages: data.brokenImages, sampling: data.sampling, classWeights: data.classWeights },
  })
  return { ...search, images: streamCounts(stream) }
}

/**
 * Writes the images that one search trains on as NumPy files, for a search by an external program.
 * @throws BenchError `unsupported` for photographs, which are decoded while training
 */
export async function writeProgramImages(
  { dataset: planned, protocol, seed }: Job,
  { space, dataset }: Pick<SearchImages, 'space' | 'dataset'>,
  folder: string,
): Promise<ProgramImages> {
  const { data } = protocol
  if (onPhotographs(protocol)) {
    const found = 'photographs are decoded while training and not written for programs'
    throw new BenchError('unsupported', `${found}; read them from the folder of the dataset`)
  }
  const { writeSearchImages } = await import('../../data/imageFiles.ts')
  const images = requireUnchanged(await dataset(), planned)
  const halves = data.split === 'benchmark' ? benchmarkSplit(space, images) : undefined
  return writeSearchImages(folder, images, { data, seed, ...(halves && { halves }) })
}

/** The properties of a search space that tell how its benchmark divides the training images. */
type SplitSpace = Pick<SearchSpace, 'name' | 'benchmarkSplits'>

/**
 * Checks that the protocol's setting `data.split=benchmark` fits the dataset: training images are then divided as the
 * authors of the benchmark divided them.
 * @throws BenchError `bad-input` for a dataset without such a division, or if another setting would have no effect
 */
export function checkBenchmarkSplit({ data }: Protocol, space: SplitSpace, dataset: string): void {
  const share = splitOf(space, dataset).trainPortion
  if (data.limit !== null) throw refusal(`it uses all images, but data.limit=${data.limit} is set`)
  if (data.trainPortion === share && !data.architecturePortion) return
  throw refusal(`on ${dataset} it needs data.trainPortion=${share} and no data.architecturePortion`)
}

/**
 * Returns the weight half and the architecture half of the training images, divided as in the search space's benchmark:
 * into the images on which the benchmark trains and those on which it validates.
 * @throws BenchError `bad-input` if images or the list of x-valid images are missing
 */
export function benchmarkSplit(space: SplitSpace, { name, train, testHalves }: Dataset): SearchHalves {
  const { halves } = splitOf(space, name)
  if (halves !== undefined) {
    const { train: weights, valid: architecture } = halves()
    const count = weights.length + architecture.length
    if (train.count === count) return { weights, architecture, architectureFrom: 'train' }
    throw refusal(`its halves need ${pluralize(count, 'training image')}, but there are ${train.count}`)
  }
  if (testHalves === undefined) {
    throw refusal(
      `no *-test-split.txt lies beside the images of ${name} (docs/building-tables.md says where it is from)`,
    )
  }
  return { weights: everyRow(train.count), architecture: testHalves.xValid, architectureFrom: 'test' }
}

function splitOf({ name, benchmarkSplits: splits }: SplitSpace, dataset: string): BenchmarkSplit {
  if (splits === undefined) throw refusal(`the space ${name} has no split of its own`)
  const split = Object.hasOwn(splits, dataset) ? splits[dataset] : undefined
  if (split !== undefined) return split
  throw refusal(`the benchmark splits ${Object.keys(splits).join(', ')}, not ${dataset}`)
}

const refusal = (found: string): BenchError =>
  new BenchError('bad-input', `data.split=benchmark: ${found}; add data.split=seeded to the protocol`)

/** The dataset, image folder and image size for which `datasetIdentity` computes a content hash. */
export interface HashedImages extends ImageSize, Pick<BrokenImages, 'skipSetting'> {
  readonly name: string
  /** Class weights in the loss. If they are stated for each class, they must fit the classes of the dataset. */
  readonly classWeights?: ClassWeighting
  /** Folder of the dataset's images; undefined: the user's data folder. */
  readonly folder: string | undefined
  /**
   * Called with messages to the user: that images are being decoded to compute the hash, and notes about the images.
   */
  readonly report: (line: string) => void
}

/**
 * Returns the content hash of a dataset's images, and how the program divided them. If the files are unchanged since
 * they were hashed before, both are taken from the user's cache folder.
 * @throws BenchError as `openDataset`; `unknown-name` or `bad-input` if stated class weights do not fit the classes
 */
export async function datasetIdentity({
  name,
  folder,
  report,
  classWeights,
  ...size
}: HashedImages): Promise<ImagesIdentity> {
  const open = once(() => openDataset(name, { folder, report, ...size }))
  // Only stated weights need the names of the classes, for which the images are opened.
  if (areStated(classWeights)) requireFittingWeights(classWeights, (await open()).classNames)
  const read = async () => {
    const { contentHash, split, notes = [] } = await open()
    return { hash: contentHash, notes, ...(split && { split }) }
  }
  const identity = ({ hash, split }: Awaited<ReturnType<typeof read>>) => ({
    contentHash: hash,
    ...(split && { split }),
  })
  const { parseImageFolder, splitText } = await import('../../data/files/imageFolder.ts')
  const { path, split } = parseImageFolder(folder ?? datasetFolder(name))
  const root = resolve(path)
  const fingerprint = name === 'shapes' ? undefined : await fingerprintAt(root)
  if (fingerprint === undefined) return identity(await read())
  const { cachedHash } = await import('../../data/files/decodedCache.ts')
  const division = split === undefined ? [] : [splitText(split)]
  const known = await cachedHash(
    [name, root, String(size.imageSize), String(limitOf('dataset-gib')), fingerprint, ...division],
    read,
  )
  for (const note of known.notes) report(note)
  return identity(known)
}

/**
 * Returns the given images of a job if they still have the content hash that they had when the job was planned.
 * @throws BenchError `failed` if the images changed since planning
 */
export function requireUnchanged<T extends { readonly contentHash: string }>(images: T, planned: Job['dataset']): T {
  if (images.contentHash === planned.contentHash) return images
  throw new BenchError('failed', `the images of ${planned.name} changed while the command ran; run it again`)
}

/**
 * Returns a fingerprint of the file sizes and times in an image folder or archive, which changes when files change;
 * undefined if the folder or archive does not exist.
 */
async function fingerprintAt(root: string): Promise<string | undefined> {
  const found = await stat(root).catch(() => undefined)
  if (found === undefined) return undefined
  const { fingerprintOf, openFolder } = await import('../../data/files/fileTree.ts')
  return found.isDirectory() ? (await openFolder(root)).fingerprint() : fingerprintOf(dirname(root), [basename(root)])
}

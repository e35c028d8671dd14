/** The images of a search: in memory, or photographs that are decoded as they are needed. */

import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { ImageCounts, SearchData } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { Job } from '../../core/result.ts'
import type { SearchSpace } from '../../core/space.ts'
import { everyRow } from '../../data/batches/imageView.ts'
import { countsOf, type Dataset } from '../../data/dataset.ts'
import { datasetFolder } from '../../data/datasetNames.ts'
import type { ImageSize } from '../../data/files/fileDatasets.ts'
import type { SearchHalves } from '../../data/imagesInMemory.ts'
import { openDataset } from '../../data/openDataset.ts'
import { officialCifar10Split } from '../../spaces/nb201/cifar10Split.ts'
import { limitOf } from '../../system/limits.ts'

/** Whether the protocol trains the search network on photographs. */
const onPhotographs = ({ network }: Protocol): boolean => network.family === 'imagenet'

/** @throws BenchError where the protocol's settings are not of this space, or not for these images */
export function checkSearchable(protocol: Protocol, { name: space }: SearchSpace, dataset: string): void {
  if (protocol.data.split === 'benchmark') checkBenchmarkSplit(protocol, dataset)
  const isDarts = space === 'darts' || space.startsWith('darts-')
  if (dataset === 'imagenet' && !onPhotographs(protocol)) {
    const remedy = 'use pcdarts-paper, drnas-paper or micro, or add network.family=imagenet'
    throw new BenchError('unsupported', `protocol ${protocol.name} has no search on imagenet; ${remedy}`)
  }
  if (isDarts) return
  const [setting] = [
    ...(onPhotographs(protocol) ? ['network.family=imagenet'] : []),
    ...(protocol.network.dropPath ? ['network.dropPath'] : []),
  ]
  if (setting === undefined) return
  throw new BenchError('unsupported', `${setting} is a setting of the DARTS space, not of ${space}; use --space darts`)
}

/** Part of the job's identity. @throws BenchError for what is wrong in the files */
export async function searchImagesHash(
  protocol: Protocol,
  dataset: string,
  folder: string | undefined,
  report: (line: string) => void,
): Promise<string> {
  if (!onPhotographs(protocol)) return datasetHash({ name: dataset, folder, report, ...searchImageSize(protocol) })
  const { openImageStream } = await import('../../data/photographs/imageStream.ts')
  const { contentHash, notes } = await openImageStream(dataset, folder)
  for (const note of notes) report(note)
  return contentHash
}

/** The size that images of several sizes are scaled to, and how it is set. */
export function searchImageSize({ name, data: { imageSize } }: Protocol): ImageSize {
  const [preset, ...changes] = name.split(/[:,]/).filter((part) => !part.startsWith('data.imageSize='))
  return { imageSize, sizeSetting: `--protocol ${preset}:${[...changes, 'data.imageSize=32'].join(',')}` }
}

export interface SearchImages {
  readonly folder?: string
  /** Opens images that are kept in memory. */
  dataset(): Promise<Dataset>
  /** Told of each photograph that is left out. */
  report(line: string): void
}

export interface OpenSearchData extends SearchData {
  readonly images: ImageCounts
  close?(): Promise<void>
}

/** Batches for one search; those of photographs hold threads until closed. */
export async function openSearchData(
  { dataset: planned, protocol, seed }: Job,
  { folder, dataset, report }: SearchImages,
): Promise<OpenSearchData> {
  const { data, batchSize, epochs } = protocol
  if (!onPhotographs(protocol)) {
    const { searchData } = await import('../../data/imagesInMemory.ts')
    const images = requireUnchanged(await dataset(), planned)
    const halves = data.split === 'benchmark' ? benchmarkSplit(images) : undefined
    const search = searchData(images, { data, batchSize, seed, epochs, ...(halves && { halves }) })
    return { ...search, images: countsOf(images) }
  }
  const { openImageStream, streamCounts } = await import('../../data/photographs/imageStream.ts')
  const { streamedSearchData } = await import('../../data/photographs/streamedData.ts')
  const stream = requireUnchanged(await openImageStream(planned.name, folder, data.imageSize ?? undefined), planned)
  const search = streamedSearchData(stream, { data, batchSize, seed, brokenImages: data.brokenImages, report })
  return { ...search, images: streamCounts(stream) }
}

/** Share of the training set that trains w. */
const shares: Readonly<Record<string, number>> = { cifar10: 0.5, cifar100: 1, 'ImageNet16-120': 1 }

/** @throws BenchError `bad-input` for a dataset that the benchmark does not split, or settings that the split leaves no say */
export function checkBenchmarkSplit({ data }: Protocol, dataset: string): void {
  const share = shares[dataset]
  if (share === undefined) throw refusal(`the benchmark splits ${Object.keys(shares).join(', ')}, not ${dataset}`)
  if (data.limit !== null) throw refusal(`it takes all images, and data.limit=${data.limit} only some`)
  if (data.trainPortion === share && !data.architecturePortion) return
  throw refusal(`on ${dataset} it has data.trainPortion=${share} and no data.architecturePortion`)
}

/** @throws BenchError `bad-input` where the images are not all there, or the list of x-valid is not */
export function benchmarkSplit({ name, train, testHalves }: Dataset): SearchHalves {
  if (name === 'cifar10') {
    const { train: weights, valid: architecture } = officialCifar10Split()
    const count = weights.length + architecture.length
    if (train.count === count) return { weights, architecture, architectureFrom: 'train' }
    throw refusal(`its halves are of ${count} training images, and here are ${train.count}`)
  }
  if (testHalves === undefined) {
    throw refusal(
      `no *-test-split.txt lies beside the images of ${name} (docs/building-tables.md says where it is from)`,
    )
  }
  return { weights: everyRow(train.count), architecture: testHalves.xValid, architectureFrom: 'test' }
}

const refusal = (found: string): BenchError =>
  new BenchError('bad-input', `data.split=benchmark: ${found}; add data.split=seeded to the protocol`)

export interface HashedImages extends ImageSize {
  readonly name: string
  /** Absent: the user's data folder. */
  readonly folder: string | undefined
  /** Told where images have to be decoded first, and what the user should know of them, in lines. */
  readonly report: (line: string) => void
}

/** @throws BenchError as `openDataset` */
export async function datasetHash({ name, folder, report, ...size }: HashedImages): Promise<string> {
  const read = async () => {
    const { contentHash, notes = [] } = await openDataset(name, { folder, report, ...size })
    return { hash: contentHash, notes }
  }
  const root = resolve(folder ?? datasetFolder(name))
  const fingerprint = name === 'shapes' ? undefined : await fingerprintAt(root)
  if (fingerprint === undefined) return (await read()).hash
  const { keptHash } = await import('../../data/files/decodedCache.ts')
  const { hash, notes } = await keptHash(
    [name, root, String(size.imageSize), String(limitOf('dataset-gib')), fingerprint],
    read,
  )
  for (const note of notes) report(note)
  return hash
}

/** @throws BenchError `failed` where the images are not those that the job was planned with */
export function requireUnchanged<T extends { readonly contentHash: string }>(images: T, planned: Job['dataset']): T {
  if (images.contentHash === planned.contentHash) return images
  throw new BenchError('failed', `the images of ${planned.name} changed while the command ran; give it again`)
}

/** Of a folder or an archive; undefined where there is none. */
async function fingerprintAt(root: string): Promise<string | undefined> {
  const found = await stat(root).catch(() => undefined)
  if (found === undefined) return undefined
  const { fingerprintOf, openFolder } = await import('../../data/files/fileTree.ts')
  return found.isDirectory() ? (await openFolder(root)).fingerprint() : fingerprintOf(dirname(root), [basename(root)])
}

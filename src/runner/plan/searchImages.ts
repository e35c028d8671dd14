/** The images of a search: in memory, or photographs that are decoded as they are needed. */
import type { ImageCounts, SearchData } from '../../core/data.ts'
import { BenchError } from '../../core/errors.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { Job } from '../../core/result.ts'
import type { SearchSpace } from '../../core/space.ts'
import { countsOf, type Dataset } from '../../data/dataset.ts'
import type { ImageSize } from '../../data/files/fileDatasets.ts'
import { benchmarkSplit, checkBenchmarkSplit } from './benchmarkSplit.ts'
import { datasetHash, requireUnchanged } from './datasetHash.ts'

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
    const { searchData } = await import('../../data/searchData.ts')
    const images = requireUnchanged(await dataset(), planned)
    const halves = data.split === 'benchmark' ? benchmarkSplit(images) : undefined
    const search = searchData(images, { data, batchSize, seed, epochs, ...(halves && { halves }) })
    return { ...search, images: countsOf(images) }
  }
  const { openImageStream, streamCounts } = await import('../../data/photographs/imageStream.ts')
  const { streamedSearchData } = await import('../../data/streamedData.ts')
  const stream = requireUnchanged(await openImageStream(planned.name, folder, data.imageSize ?? undefined), planned)
  const search = streamedSearchData(stream, { data, batchSize, seed, brokenImages: data.brokenImages, report })
  return { ...search, images: streamCounts(stream) }
}

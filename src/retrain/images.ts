/** Opens the images of a full training: small images are loaded into memory, photographs are decoded while training. */
import type { ImageCounts, ImageSplit } from '../core/data.ts'
import type { RetrainingSettings } from '../core/retraining.ts'
import type { ChannelStatistics } from '../data/batches/transforms.ts'
import { countsOf } from '../data/dataset.ts'
import { SKIP_OPTION } from '../data/files/brokenImages.ts'
import type { ImageSize } from '../data/files/fileDatasets.ts'
import { type TrainingData, trainingData } from '../data/imagesInMemory.ts'
import { openDataset } from '../data/openDataset.ts'
import { openImageStream, streamCounts } from '../data/photographs/imageStream.ts'
import { streamedTrainingData } from '../data/photographs/streamedData.ts'

export interface RetrainingImages {
  readonly name: string
  readonly contentHash: string
  /** Notes to the user about peculiarities of the image files. */
  readonly notes: readonly string[]
  readonly counts: ImageCounts
  /**
   * Rule by which the program divided the images; absent: the files say which are training and which are test images.
   */
  readonly split?: ImageSplit
  /** Name of each class of the images, in label order. */
  readonly classNames: readonly string[]
  /** Channel means and standard deviations by which the images are normalised. */
  readonly statistics: ChannelStatistics
  /**
   * Returns the batches of the full training.
   * @param options.batchSize number of images per batch, in training and in testing
   */
  open(options: { readonly batchSize: number; readonly seed: number }): TrainingData & { close?(): Promise<void> }
}

export interface ImagesRequest {
  readonly name: string
  /** Folder of the training's images; absent: the user's data folder, or the built-in dataset. */
  readonly folder?: string
  readonly settings: Pick<RetrainingSettings, 'network' | 'data'>
  /** Called with a message to the user for each image file that is left out. */
  readonly report?: (line: string) => void
}

/**
 * Opens the images of a dataset for a full training.
 * @throws BenchError `missing`, `unknown-name`, or an error that names the unusable file
 */
export function openImages({ report = () => {}, ...request }: ImagesRequest): Promise<RetrainingImages> {
  const reported = new Set<string>()
  const reportOnce = (line: string) => {
    if (!reported.has(line)) report(line)
    reported.add(line)
  }
  const open = request.settings.network.family === 'imagenet' ? openPhotographs : openInMemory
  return open({ ...request, report: reportOnce })
}

/** Returns the side in pixels to which the training's images are scaled, and the option that sets it, for messages. */
export const imageSizeOf = ({ data: { imageSize } }: Pick<RetrainingSettings, 'data'>): ImageSize => ({
  imageSize,
  sizeSetting: '--image-size 32 (with bench run: --evaluate retrain:imageSize=32)',
})

/** The setting of full trainings that leaves broken images out, for messages. */
export const skipSetting = `${SKIP_OPTION} (with bench run: --evaluate retrain:brokenImages=skip)`

async function openInMemory({ name, folder, settings: { data }, report }: ImagesRequest): Promise<RetrainingImages> {
  const broken = { brokenImages: data.brokenImages, skipSetting, report }
  const dataset = await openDataset(name, { folder, ...broken, ...imageSizeOf({ data }) })
  return {
    name: dataset.name,
    contentHash: dataset.contentHash,
    notes: dataset.notes ?? [],
    counts: countsOf(dataset),
    ...(dataset.split && { split: dataset.split }),
    classNames: dataset.classNames,
    statistics: { mean: dataset.mean, std: dataset.std },
    open: (options) => trainingData(dataset, { data, ...options }),
  }
}

async function openPhotographs({ name, folder, settings, report }: ImagesRequest): Promise<RetrainingImages> {
  const { imageSize, limit, brokenImages, sampling, classWeights } = settings.data
  const stream = await openImageStream(name, folder, imageSize ?? undefined)
  return {
    name,
    contentHash: stream.contentHash,
    notes: stream.notes,
    counts: streamCounts(stream),
    ...(stream.split && { split: stream.split }),
    classNames: stream.classNames,
    statistics: stream.statistics,
    open: (options) =>
      streamedTrainingData(stream, { limit, brokenImages, skipSetting, sampling, classWeights, report, ...options }),
  }
}

/** Composes the command with which the user can train a found architecture in full, on the images of its search. */
import { isAbsolute } from 'node:path'
import { classWeightsText } from '../core/classWeights.ts'
import { BenchError } from '../core/errors.ts'
import { benchCommand } from '../core/plainText.ts'
import type { Protocol } from '../core/protocol.ts'
import type { SpaceFamily } from '../core/space.ts'
import { imageSide } from '../data/datasetNames.ts'
import { changedSettings } from '../protocols/index.ts'
import { resolveSettings } from './settings.ts'
import { trainedNetwork } from './training.ts'

export interface Found {
  /** Path of the file that contains the found architecture. */
  readonly file: string
  /** Architecture string of the found architecture. */
  readonly genotype: string
  /** Family of search spaces whose network is trained. */
  readonly family: SpaceFamily
  readonly dataset: string
  /** Folder of the search's images; absent: the user's data folder, or the built-in dataset. */
  readonly folder?: string
  /** Protocol of the search that found the architecture. */
  readonly protocol: Protocol
}

/** Returns a complete `bench retrain …` command that works when pasted. */
export async function retrainCommand({ file, genotype, family, dataset, folder, protocol }: Found): Promise<string> {
  const { metric = 'top1' } = protocol
  const { imageSize, brokenImages, sampling, classWeights } = protocol.data
  const own = isOnPhotographs(protocol) ? undefined : await sideOf(dataset, folder, protocol)
  // A size was requested, or the images differ in size and need one.
  const isSized = imageSize !== null && (own === 'several' || changedSettings(protocol.name).includes('data.imageSize'))
  const side = isSized || own === 'several' ? (imageSize ?? undefined) : own
  return benchCommand(
    ...['retrain', '--genotype', file, ...imageWords(dataset, folder, protocol)],
    ...(isSized ? ['--image-size', String(imageSize)] : []),
    ...(brokenImages === 'skip' ? ['--broken-images', 'skip'] : []),
    ...(sampling === 'balanced' ? ['--sampling', sampling] : []),
    ...(classWeights && classWeights !== 'none' ? ['--class-weights', classWeightsText(classWeights)] : []),
    ...(metric !== 'top1' ? ['--metric', metric] : []),
    ...(side === undefined || takesAuxiliary(family, genotype, dataset, side) ? [] : ['--no-auxiliary']),
  )
}

/** Returns the options of `bench retrain` that choose the images; a user's photographs are given by their folder. */
function imageWords(dataset: string, folder: string | undefined, protocol: Protocol): readonly string[] {
  if (folder === undefined) return ['--dataset', dataset]
  if (!isOnPhotographs(protocol) || dataset === 'imagenet') return ['--dataset', dataset, '--data', folder]
  return ['--dataset', isAbsolute(folder) || folder.startsWith('.') ? folder : `./${folder}`]
}

const isOnPhotographs = ({ network }: Protocol): boolean => network.family === 'imagenet'

/**
 * Returns the shorter side of the dataset's images in pixels, or `several` if they differ in size and must be scaled.
 */
async function sideOf(dataset: string, folder: string | undefined, { data }: Protocol): Promise<number | 'several'> {
  const known = imageSide(dataset)
  if (known !== undefined) return known
  const { openDataset } = await import('../data/openDataset.ts')
  try {
    const { shape } = await openDataset(dataset, { folder, brokenImages: data.brokenImages })
    return Math.min(shape.height, shape.width)
  } catch (error) {
    if (error instanceof BenchError) return 'several'
    throw error
  }
}

/** Returns whether images with this side are large enough for the auxiliary head of the default preset's network. */
function takesAuxiliary(family: SpaceFamily, genotype: string, dataset: string, side: number): boolean {
  try {
    const shape = { height: side, width: side, channels: 3, classes: 10 }
    trainedNetwork({ family, genotype: family.parse(genotype) }, resolveSettings({}, dataset, family), shape)
    return true
  } catch (error) {
    if (error instanceof BenchError) return false
    throw error
  }
}

/**
 * Resolves what `--evaluate retrain` adds to a job: the settings of the full training of the found architecture, and
 * the content hash of its images.
 */
import type { Algorithm } from '../../core/algorithm.ts'
import { requireFittingWeights } from '../../core/classWeights.ts'
import { BenchError } from '../../core/errors.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { RetrainingTask } from '../../core/retraining.ts'
import type { SearchSpace } from '../../core/space.ts'
import { type RetrainingRequest, resolveSettings } from '../../retrain/settings.ts'
import { datasetIdentity, type ImagesIdentity } from './images.ts'

/** A planned search whose found architecture will be trained in full. */
export interface RetrainedSearch {
  readonly space: SearchSpace
  readonly algorithm: Algorithm
  readonly dataset: string
  readonly protocol: Protocol
}

/**
 * Returns the settings of the full training that a job ends with.
 * @throws BenchError `unsupported` if the search space has no full training or if search and full training use
 * different kinds of images; other error codes for invalid settings in the request
 */
export function planRetraining(
  request: RetrainingRequest,
  { space, algorithm: { name, kind }, dataset, protocol }: RetrainedSearch,
): RetrainingTask {
  if (space.family === undefined) {
    const found = `architectures of ${space.name} are looked up, not trained in full`
    throw new BenchError('unsupported', `${found}; leave out --evaluate retrain, or take another --space`)
  }
  const { family } = protocol.network
  const settings = resolveSettings(
    { ...(kind === 'supernet' && family && { family }), ...request, metric: request.metric ?? protocol.metric },
    dataset,
    space.family,
  )
  const trained = settings.network.family
  if (kind === 'supernet' && trained !== (family ?? 'cifar')) {
    const found = `${name} would search ${dataset} as ${family ?? 'cifar'} and train what it finds as ${trained}`
    throw new BenchError('unsupported', `${found}; leave out --evaluate retrain, and train what it finds afterwards`)
  }
  const { seeds, keep } = request
  return { settings, ...(seeds && { seeds }), ...(keep && { keep }) }
}

/**
 * Returns the content hash of the images of a full training, and the rule by which the program divided them into
 * training and test images.
 * @throws BenchError for missing or damaged image files
 */
export async function retrainingImagesIdentity(
  { settings }: RetrainingTask,
  dataset: string,
  folder: string | undefined,
  report: (line: string) => void,
): Promise<ImagesIdentity> {
  const { network, data } = settings
  const { openImages, imageSizeOf, skipSetting } = await import('../../retrain/images.ts')
  if (network.family === 'cifar' && data.brokenImages === 'fail') {
    const images = { name: dataset, folder, report, classWeights: data.classWeights }
    return datasetIdentity({ ...images, skipSetting, ...imageSizeOf(settings) })
  }
  const { contentHash, split, notes, classNames } = await openImages({ name: dataset, folder, settings, report })
  requireFittingWeights(data.classWeights, classNames)
  for (const note of notes) report(note)
  return { contentHash, ...(split && { split }) }
}

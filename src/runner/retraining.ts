/** What `--evaluate retrain` adds to a job: how its answer is trained in full, and on which images. */
import type { Algorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import type { RetrainingTask } from '../core/retraining.ts'
import type { SearchSpace } from '../core/space.ts'
import { type RetrainingRequest, resolveSettings } from '../retrain/settings.ts'
import { datasetHash } from './datasetHash.ts'

/** @throws BenchError `unsupported` on other spaces and for black-box searches, or what is wrong in the request */
export function planRetraining(
  request: RetrainingRequest,
  space: SearchSpace,
  { name, kind }: Algorithm,
  dataset: string,
): RetrainingTask {
  if (space.name !== 'darts' && !space.name.startsWith('darts-')) {
    const found = `architectures of ${space.name} are looked up, not trained in full`
    throw new BenchError('unsupported', `${found}; leave out --evaluate retrain, or use --space darts`)
  }
  const settings = resolveSettings(request, dataset)
  if (kind === 'supernet' && settings.network.family === 'imagenet') {
    const reason = `${name} cannot search on photographs that are decoded as they are needed`
    throw new BenchError('unsupported', `${reason}; search on cifar10, then bench retrain --dataset ${dataset}`)
  }
  return { settings, ...(request.seeds && { seeds: request.seeds }) }
}

/** Content hash of the images that are trained on. @throws BenchError for what is wrong in their files */
export async function retrainingImagesHash(
  { settings }: RetrainingTask,
  dataset: string,
  folder: string | undefined,
): Promise<string> {
  if (settings.network.family === 'cifar' && settings.data.brokenImages === 'fail') return datasetHash(dataset, folder)
  const { openImages } = await import('../retrain/images.ts')
  return (await openImages({ name: dataset, folder, settings })).contentHash
}

/** Plans the searches of the kit, on a machine that has no lookup table of CIFAR-10. */
import { BenchError } from '../../../src/core/errors.ts'
import type { Job } from '../../../src/core/result.ts'
import { DEFAULTS } from '../../../src/runner/plan/experiment.ts'
import { runId } from '../../../src/runner/plan/identity.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import type { Registered } from '../../../src/system/plugins.ts'

const SMALL = 'micro:epochs=3,batchSize=8,network.channels=4,network.depth=1,data.imageSize=8,data.limit=16'

/** Where the kit's searches run. */
export const EXECUTOR = { backend: 'webgpu' } as const

/** One search of the kit, and the name of its folder in the store. */
export interface PlannedSearch {
  readonly id: string
  readonly job: Job
}

/**
 * Returns the searches of an algorithm with the first so many seeds.
 * @param protocol a protocol, or `small` for networks and images that any device can search in seconds
 * @param images folder of CIFAR-10; only the small form works without, on images that the program draws
 * @throws BenchError if the protocol needs images and there are none, or does not suit them
 */
export async function planSearches(
  { algorithm, protocol, seeds }: { algorithm: string; protocol: string; seeds: number },
  images: string | undefined,
  registered: Registered,
): Promise<readonly PlannedSearch[]> {
  const isSmall = protocol === 'small'
  if (!isSmall && images === undefined) throw new BenchError('missing', 'GPU_KIT_IMAGES names no folder of CIFAR-10')
  const plan = await makePlan(
    {
      ...DEFAULTS,
      // A search that ends with a full training needs no lookup table. The training is then left out of the job.
      ...(images && { datasets: ['cifar10'], data: { cifar10: images }, retraining: {} }),
      algorithms: [{ name: algorithm, options: {} }],
      seeds: [...Array(seeds).keys()],
      executor: EXECUTOR,
      protocol: isSmall ? SMALL : protocol,
    },
    registered,
  )
  return plan.jobs.map(({ job: { retraining: _, ...job } }) => ({ id: runId(job), job }))
}

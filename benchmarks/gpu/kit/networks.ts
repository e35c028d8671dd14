/** The three networks that the stages measure, at a size given on the command line. */
import { BenchError } from '../../../src/core/errors.ts'
import type { Network } from '../../../src/core/network.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import type { StepName } from '../../executor/gpuWork.ts'
import { imagesOf, searchNetwork } from '../../executor/workload.ts'

/** A network with its batch, and the kinds of steps that are measured. */
export interface Workload {
  readonly network: Network
  readonly batchSize: number
  readonly steps: readonly StepName[]
}

const BOTH: readonly StepName[] = ['weights', 'architecture']
const batchNorm = { affine: false, track: true }

const WORKLOADS: Readonly<Record<string, (numbers: readonly number[]) => Workload>> = {
  search: ([channels, depth, size, batchSize]) => ({
    ...{ network: searchNetwork(channels, depth, size), batchSize, steps: BOTH },
  }),
  evaluation: ([depth, channels, size, batchSize]) => {
    const network = darts.network(darts.parse('DARTS_V2'), { shape: imagesOf(size), channels, depth, auxiliary: true })
    return { network, batchSize, steps: ['weights'] }
  },
  darts: ([depth, channels, size, batchSize]) => ({
    ...{ network: darts.supernet({ shape: imagesOf(size), channels, depth, batchNorm }), batchSize, steps: BOTH },
  }),
}

/**
 * Builds a network from its name and four numbers, as the scripts of PyTorch's side take them.
 * @throws BenchError `bad-input`
 */
export function workloadOf(name: string, size: readonly string[]): Workload {
  const numbers = size.map(Number)
  if (!(name in WORKLOADS) || numbers.length !== 4 || !numbers.every((number) => number > 0)) {
    const known = Object.keys(WORKLOADS).join(', ')
    const found = [name, ...size].join(' ')
    throw new BenchError('bad-input', `"${found}" is no network; expected one of ${known} and four positive numbers`)
  }
  return WORKLOADS[name](numbers)
}

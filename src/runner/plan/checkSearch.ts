/** Refuses, before anything is run, what would fail in every run or would search nothing. */
import type { Algorithm, PlannedSearch } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { SearchSpace, SupernetOptions } from '../../core/space.ts'
import { halvesOf } from '../../data/batches/subset.ts'
import { fidelitiesOf } from '../../tables/oracles.ts'
import { parseOptions } from './algorithmOptions.ts'
import type { Lookup } from './lookup.ts'

export interface SearchPlan {
  readonly space: SearchSpace
  readonly protocol: Protocol
  readonly dataset: string
  readonly lookup: Lookup
  readonly budgetSeconds: number | undefined
  /** What is found is trained in full, and looked up nowhere. */
  readonly retrained: boolean
}

/** @throws BenchError for settings that do not go together, and what the algorithm itself refuses */
export function checkSearch(algorithm: Algorithm, options: Record<string, unknown>, plan: SearchPlan): void {
  const { space, protocol, lookup, budgetSeconds } = plan
  const { manifest } = lookup
  const network = networkOf(plan)
  if (algorithm.kind === 'supernet') {
    checkHalves(protocol)
    network()
  }
  const planned: PlannedSearch = {
    ...{ space, protocol, network },
    ...(budgetSeconds !== undefined && { budgetSeconds }),
    ...(manifest && { table: manifest }),
    fidelities: () => fidelities(algorithm, plan),
  }
  algorithm.check?.(planned, parseOptions(algorithm, options))
}

/** Pixels of a side where neither the protocol says nor the dataset is known: any that every reduction can halve. */
const ANY_SIDE = 32
const SIDES: Readonly<Record<string, number>> = { shapes: 16, 'ImageNet16-120': 16 }
/** Cells in which every width of a network occurs. */
const ENOUGH_CELLS = 3

/** Networks as data. One of few cells first, which takes a tenth of the time: all that it takes, a deeper one takes, too. */
function networkOf({ space, protocol, dataset }: SearchPlan): PlannedSearch['network'] {
  const { affine, track, ...size } = protocol.network
  const side = protocol.data.imageSize ?? SIDES[dataset] ?? (size.family === 'imagenet' ? 224 : ANY_SIDE)
  const shape = { height: side, width: side, channels: 3, classes: 10 }
  return (options = {}) => {
    const whole: SupernetOptions = { shape, ...size, batchNorm: { affine, track }, ...options }
    try {
      return space.supernet({ ...whole, depth: Math.min(ENOUGH_CELLS, whole.depth) })
    } catch {
      return space.supernet(whole)
    }
  }
}

/** @throws BenchError `bad-input` for halves of which one is empty, however many images there are */
function checkHalves({ data }: Protocol): void {
  if (data.split === 'benchmark') return
  const count = data.limit ?? Number.MAX_SAFE_INTEGER
  const { cut, end } = halvesOf(count, data)
  if (cut > 0 && end > cut) return
  const half = cut > 0 ? 'architecture' : 'weights'
  const found = data.limit === null ? 'these shares' : `data.limit=${count} and these shares`
  throw new BenchError(
    'bad-input',
    `${found} leave no images for the ${half}; raise the limit or change data.trainPortion`,
  )
}

/** @throws BenchError where nothing answers what a search asks */
function fidelities(
  { name }: Algorithm,
  { space, dataset, lookup: { manifest }, retrained }: SearchPlan,
): readonly number[] {
  if (retrained) {
    const found = `${name} asks for many accuracies, which full trainings are too slow to answer`
    throw new BenchError(
      'unsupported',
      `${found}; leave out --evaluate retrain, or use an algorithm that trains a network`,
    )
  }
  if (manifest === undefined) {
    throw new BenchError(
      'missing',
      `${name} asks for accuracies, and there is no table of ${space.name}; name one with --table`,
    )
  }
  const rule = manifest.oracles[dataset]
  if (rule !== undefined) return [...fidelitiesOf(manifest, rule).keys()]
  throw unknownName(`dataset of table ${manifest.name} to search on`, dataset, Object.keys(manifest.oracles))
}

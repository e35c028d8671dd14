/**
 * Checks the settings of a planned search before anything runs, and refuses settings with which every run would fail.
 */
import type { Algorithm, PlannedSearch } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Protocol } from '../../core/protocol.ts'
import type { SearchSpace, SupernetOptions } from '../../core/space.ts'
import { halvesOf, requireOneBalance } from '../../data/batches/subset.ts'
import { imageSide } from '../../data/datasetNames.ts'
import { fidelitiesOf, oracleOf } from '../../tables/oracles.ts'
import { parseOptions } from './algorithmOptions.ts'
import type { Lookup } from './lookup.ts'

/** The search space, dataset, protocol and other settings of a search, which are checked together. */
export interface SearchPlan {
  readonly space: SearchSpace
  readonly protocol: Protocol
  readonly dataset: string
  readonly lookup: Lookup
  readonly budgetSeconds: number | undefined
  /** Whether the found architecture is trained in full instead of being looked up in a table. */
  readonly retrained: boolean
}

/**
 * Checks that the settings of a search fit together; also calls the algorithm's own function `check`.
 * @throws BenchError for settings that contradict each other
 */
export function checkSearch(algorithm: Algorithm, options: Record<string, unknown>, plan: SearchPlan): void {
  const { space, protocol, lookup, budgetSeconds } = plan
  const { manifest } = lookup
  const network = networkOf(plan)
  requireOneBalance(protocol.data)
  if (algorithm.kind === 'supernet') {
    checkHalves(protocol)
    network()
  }
  const { limit } = protocol.data
  const planned: PlannedSearch = {
    ...{ space, protocol, network },
    ...(limit !== null && { mostSteps: Math.ceil(halvesOf(limit, protocol.data).cut / protocol.batchSize) }),
    ...(budgetSeconds !== undefined && { budgetSeconds }),
    ...(manifest && { table: manifest }),
    fidelities: () => fidelities(algorithm, plan),
  }
  const parsed = parseOptions(algorithm, options)
  algorithm.check?.(planned, parsed)
  const hasOwnDepth = algorithm.idleUnder?.(parsed, protocol)['network.depth'] !== undefined
  if (algorithm.kind === 'supernet' && !hasOwnDepth) checkCells(algorithm, plan)
}

/**
 * Checks that the search network has cells of every type, whose architecture parameters would otherwise never be
 * trained.
 * @throws BenchError `bad-input` if not
 */
function checkCells({ name }: Algorithm, { space, protocol }: SearchPlan): void {
  const { depth } = protocol.network
  const edges = new Set(space.supernetCells?.(depth).flat() ?? space.edges.keys())
  const missing = [...space.edges.keys()].find((edge) => !edges.has(edge))
  if (missing === undefined) return
  const found = `a search network of ${pluralize(depth, 'cell')} has no ${space.edges[missing].cell} cell`
  throw new BenchError('bad-input', `${name}: ${found}; set network.depth to at least 3`)
}

/**
 * Image side in pixels that the check assumes for a dataset of unknown size: divisible by 2 at every reduction cell.
 */
const ANY_SIDE = 32
/** Number of cells of the network that is built for the check: enough for every channel width to occur. */
const ENOUGH_CELLS = 3

/**
 * Returns a function that builds the description of the search network, to check that the settings allow it. This
 * network has few cells, which takes a tenth of the time; a deeper one accepts the same settings.
 */
function networkOf({ space, protocol, dataset }: SearchPlan): PlannedSearch['network'] {
  const { affine, track, ...size } = protocol.network
  const side = protocol.data.imageSize ?? imageSide(dataset) ?? (size.family === 'imagenet' ? 224 : ANY_SIDE)
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

/**
 * Checks that neither half of the training set (for network weights, for architecture parameters) is empty.
 * @throws BenchError `bad-input` otherwise
 */
function checkHalves({ data }: Protocol): void {
  if (data.split === 'benchmark') return
  const count = data.limit ?? Number.MAX_SAFE_INTEGER
  const { cut, end } = halvesOf(count, data)
  if (cut > 0 && end > cut) return
  const half = cut > 0 ? 'architecture' : 'weight'
  const found = data.limit === null ? 'these fractions' : `data.limit=${count} and these fractions`
  throw new BenchError(
    'bad-input',
    `${found} leave no images for the ${half} half; raise the limit or change data.trainPortion`,
  )
}

/**
 * Returns the training lengths, in epochs, for which the lookup table has validation accuracies.
 * @throws BenchError if the search has no table to query
 */
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
      `${name} asks for accuracies, and there is no table of ${space.name}; name one with --table, or make one (docs/building-tables.md)`,
    )
  }
  return [...fidelitiesOf(manifest, oracleOf(manifest, dataset)).keys()]
}

/**
 * The search space of NAS-Bench-201 (Dong and Yang, ICLR 2020), also the topology space of NATS-Bench: 15,625 cells.
 * And the same without the operation `none`, whose 4,096 cells are in the same tables.
 */
import type { EvaluationSize, SearchSpace, SpaceFamily } from '../../core/space.ts'
import { nb201CellDrawing } from './drawing.ts'
import { derive, encoding, format, genotypesWith, type Nb201Genotype, oneHot, parse } from './genotype.ts'
import { trainingKey } from './isomorphism.ts'
import { network, supernet, supernetCells } from './networks.ts'
import { ARCHITECTURE_COUNT, atIndex, benchmarkSplits, indexOf } from './officialOrder.ts'
import { EDGES, edgesWith, nodeName, OPERATIONS } from './topology.ts'

/**
 * Size of the network in which NAS-Bench-201 trained its architectures (16 channels, 5 cells per stage; §2.2).
 * @param side height and width of the images
 */
const evaluation = (side: number, classes: number): EvaluationSize => ({
  channels: 16,
  depth: 5,
  shape: { height: side, width: side, channels: 3, classes },
})

/**
 * The family of NAS-Bench-201, with and without `none`: its cells can be trained in full as the benchmark trained them.
 */
const family: SpaceFamily<Nb201Genotype> = {
  name: 'nb201',
  parse,
  format,
  network,
  presets: ['nb201-paper', 'trial'],
  networkSettings: ['head'],
  depthCounts: 'stage',
}

/** The members of `SearchSpace` that NAS-Bench-201 with and without `none` share. */
const shared = {
  format,
  network,
  supernetCells,
  trainingKey,
  nodeName,
  draw: (genotype: Nb201Genotype, title: string) => [nb201CellDrawing(genotype, title)],
  evaluations: {
    cifar10: evaluation(32, 10),
    cifar100: evaluation(32, 100),
    'ImageNet16-120': evaluation(16, 120),
  },
  benchmarkSplits,
  family,
  publishedTable: { name: 'nb201', datasets: ['shapes', 'cifar10', 'cifar100', 'ImageNet16-120'] },
} satisfies Partial<SearchSpace<Nb201Genotype>>

/** The search space of NAS-Bench-201. */
export const nb201: SearchSpace<Nb201Genotype> = {
  ...shared,
  name: 'nb201',
  description: 'NAS-Bench-201: cells of 4 nodes and 6 edges with 5 operations, 15,625 architectures',
  edges: EDGES,
  encoding,
  parse,
  derive,
  oneHot,
  supernet: (options) => supernet(options),
  numbering: { count: ARCHITECTURE_COUNT, indexOf, at: atIndex },
}

const WITHOUT_NONE = OPERATIONS.filter((operation) => operation !== 'none')

/** NAS-Bench-201 without the operation `none`, as GAEA searches it. */
export const nb201WithoutNone: SearchSpace<Nb201Genotype> = {
  ...shared,
  name: 'nb201-no-none',
  description: 'NAS-Bench-201 without the operation none, as GAEA searches it: 4,096 of its architectures',
  edges: edgesWith(WITHOUT_NONE),
  ...genotypesWith('nb201-no-none', WITHOUT_NONE),
  supernet: (options) => supernet(options, WITHOUT_NONE),
  tablesOf: 'nb201',
}

export type { Nb201Genotype } from './genotype.ts'
export { functionalClasses, functionString, isConnected, trainingKey, uniqueString } from './isomorphism.ts'
export { ARCHITECTURE_COUNT, atIndex, indexOf, officialCifar10Split } from './officialOrder.ts'

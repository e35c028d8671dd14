/**
 * The DARTS search space (Liu, Simonyan and Yang, ICLR 2019) and the spaces of its family, which have the same cells
 * with other candidate operations.
 */
import type { EvaluationSize, SearchSpace, SpaceFamily } from '../../core/space.ts'
import { benchmarkSplits } from '../nb201/officialOrder.ts'
import { dartsCellDrawing } from './drawing.ts'
import {
  type DartsArchitecture,
  derive,
  deriveCells,
  encodingOf,
  isCellList,
  listedName,
  oneHot,
  oneHotCells,
} from './genotype.ts'
import { network, supernet, supernetCells } from './networks.ts'
import { format, parse } from './notation.ts'
import { publishedArchitectures, publishedGenotype, publishedName, searchedOn } from './published.ts'
import { type DartsEdge, EDGES_S1, EDGES_S2, EDGES_S3, EDGES_S4, edgesWith, nodeName, OPERATIONS } from './topology.ts'

const onCifar = (classes: number): EvaluationSize => ({
  channels: 36,
  depth: 20,
  shape: { height: 32, width: 32, channels: 3, classes },
})

/** Sizes of the networks in which the DARTS paper evaluates architectures (§3.2 and §3.3), by dataset. */
const evaluations: Readonly<Record<string, EvaluationSize>> = {
  cifar10: onCifar(10),
  cifar100: onCifar(100),
  imagenet: {
    ...{ channels: 48, depth: 14, family: 'imagenet' },
    shape: { height: 224, width: 224, channels: 3, classes: 1000 },
  },
}

/** The members of `SearchSpace` that are the same in all spaces of the DARTS family. */
const shared = {
  nodeName,
  format,
  network,
  evaluations,
  searchedOn,
  benchmarkSplits,
  depthCounts: 'cells',
  supernetSettings: ['family', 'dropPath'],
  cellCount: (genotype) => (isCellList(genotype) ? genotype.cells.length : undefined),
  draw: (genotype, title) => {
    const titled = (cell: string) => (title === '' ? cell : `${title}, ${cell}`)
    if (isCellList(genotype)) {
      return genotype.cells.map((cell, position) => dartsCellDrawing(cell, titled(listedName(genotype, position))))
    }
    return [
      dartsCellDrawing(genotype.normal, titled('normal cell')),
      dartsCellDrawing(genotype.reduce, titled('reduction cell')),
    ]
  },
} satisfies Partial<SearchSpace<DartsArchitecture>>

const description =
  'DARTS: normal and reduction cells of 4 computed nodes and 14 edges with 8 operations, none among them'

/** The DARTS space's name and edges, with all eight candidate operations on every edge. */
const whole = { name: 'darts', edges: edgesWith(() => OPERATIONS) }
const wholeWithNoise = { name: 'darts', edges: edgesWith(() => [...OPERATIONS, 'noise']) }

/**
 * Reads an architecture of any space of the DARTS family as one of the space `darts`. It may contain the operation
 * `noise` of S4, because such architectures are trained and drawn, too. Accepts the papers' notation, JSON, and names
 * of published architectures.
 */
export const parseCells = (text: string): DartsArchitecture =>
  parse(/\bnoise\b/.test(text) ? wholeWithNoise : whole, publishedText(text) ?? text)

/**
 * The family of the DARTS space. An architecture of any of its spaces (`darts-s1`, …) can be trained in full as one of
 * `darts`.
 */
export const dartsFamily: SpaceFamily<DartsArchitecture> = {
  name: 'darts',
  parse: parseCells,
  format,
  network,
  publishedName,
  published: publishedArchitectures,
  presets: ['darts-paper', 'pcdarts-paper', 'drnas-paper', 'zen-paper', 'trial'],
  networkSettings: ['auxiliary', 'family', 'dropPath', 'pooledBatchNorm', 'head'],
  leastDepth: 3,
}

/**
 * Makes a search space of the DARTS family. Its `parse` reads the papers' notation, JSON, and the names of published
 * architectures.
 */
function dartsSpace(name: string, description: string, edges: readonly DartsEdge[]): SearchSpace<DartsArchitecture> {
  const space = { name, edges }
  return {
    ...shared,
    name,
    description,
    edges,
    family: dartsFamily,
    encoding: encodingOf(space),
    parse: (text) => parse(space, publishedText(text) ?? text),
    derive: (theta, edgeWeights, threshold) => derive(space, theta, edgeWeights, threshold),
    deriveCells: (cells, threshold) => deriveCells(space, cells, threshold),
    oneHot: (genotype) => oneHot(space, genotype),
    oneHotCells: (genotype) => oneHotCells(space, genotype),
    supernet: (options) => supernet(space, options),
    supernetCells: (depth) => supernetCells(space, depth),
  }
}

/**
 * Returns the genotype of a published architecture if a text is only its name, as `DARTS_V2` or `genotypes.DARTS_V2;`.
 */
function publishedText(text: string): string | undefined {
  const [, name] = /^\s*["']?(?:\w+\.)*(\w+)["']?\s*;?\s*(?:#.*)?$/.exec(text) ?? []
  return name === undefined ? undefined : publishedGenotype(name).genotype
}

/** The DARTS space itself, with eight operations on every edge. */
export const darts = dartsSpace(whole.name, description, whole.edges)

/** The space that the published code of DrNAS searches: DARTS' seven operations other than `none`. */
export const dartsWithoutNone = dartsSpace(
  'darts-no-none',
  'DARTS without the operation none, as DrNAS searches it',
  edgesWith(() => OPERATIONS.filter((operation) => operation !== 'none')),
)

/** RobustDARTS' simplified search space S1; S2 to S4 follow. */
export const dartsS1 = dartsSpace('darts-s1', 'RobustDARTS S1: two operations an edge, preselected', EDGES_S1)
export const dartsS2 = dartsSpace('darts-s2', 'RobustDARTS S2: skip_connect and sep_conv_3x3', EDGES_S2)
export const dartsS3 = dartsSpace('darts-s3', 'RobustDARTS S3: none, skip_connect and sep_conv_3x3', EDGES_S3)
export const dartsS4 = dartsSpace('darts-s4', 'RobustDARTS S4: noise and sep_conv_3x3', EDGES_S4)

export type { Cell, CellInput, CellList, DartsArchitecture, DartsGenotype } from './genotype.ts'
export { formatJson } from './notation.ts'
export { PUBLISHED, type PublishedGenotype, publishedGenotype, publishedName, searchedOn } from './published.ts'

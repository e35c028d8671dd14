/**
 * The DARTS space (Liu, Simonyan and Yang, ICLR 2019) and the spaces of its family: the same cells with fewer candidate
 * operations.
 */
import type { EvaluationSize, SearchSpace, SpaceFamily } from '../../core/space.ts'
import { benchmarkSplits } from '../nb201/officialOrder.ts'
import { dartsCellDrawing } from './drawing.ts'
import { type DartsGenotype, derive, encodingOf, oneHot } from './genotype.ts'
import { network, supernet } from './networks.ts'
import { format, parse } from './notation.ts'
import { publishedGenotype, publishedName, searchedOn } from './published.ts'
import { type DartsEdge, EDGES_S1, EDGES_S2, EDGES_S3, EDGES_S4, edgesWith, nodeName, OPERATIONS } from './topology.ts'

const onCifar = (classes: number): EvaluationSize => ({
  channels: 36,
  depth: 20,
  shape: { height: 32, width: 32, channels: 3, classes },
})

/** The evaluation networks of the DARTS paper (§3.2 and §3.3). */
const evaluations: Readonly<Record<string, EvaluationSize>> = {
  cifar10: onCifar(10),
  cifar100: onCifar(100),
  imagenet: {
    ...{ channels: 48, depth: 14, family: 'imagenet' },
    shape: { height: 224, width: 224, channels: 3, classes: 1000 },
  },
}

/** The members of `SearchSpace` that all spaces of the family share. */
const shared = {
  nodeName,
  format,
  network,
  evaluations,
  searchedOn,
  benchmarkSplits,
  depthCounts: 'cells',
  supernetSettings: ['family', 'dropPath'],
  draw: ({ normal, reduce }: DartsGenotype, title: string) => {
    const titled = (cell: string) => (title === '' ? cell : `${title}, ${cell}`)
    return [
      dartsCellDrawing(normal, titled('normal cell')),
      dartsCellDrawing(reduce, titled('reduction cell')),
    ] as const
  },
} satisfies Partial<SearchSpace<DartsGenotype>>

const description =
  'DARTS: normal and reduction cells of 4 computed nodes and 14 edges with 8 operations, none among them'

/** The edges of the DARTS space, with all eight operations; below, the same with the noise of S4. */
const whole = { name: 'darts', edges: edgesWith(() => OPERATIONS) }
const wholeWithNoise = { name: 'darts', edges: edgesWith(() => [...OPERATIONS, 'noise']) }

/**
 * Reads cells of any space of the family as cells of `darts`: an architecture that is trained in full, drawn or named
 * may contain the noise of S4. Reads the papers' notation, JSON, and the names of published architectures.
 */
export const parseCells = (text: string): DartsGenotype =>
  parse(/\bnoise\b/.test(text) ? wholeWithNoise : whole, publishedText(text) ?? text)

/** The family of the DARTS space: an architecture of any space below can be trained in full as one of `darts`. */
export const dartsFamily: SpaceFamily<DartsGenotype> = {
  name: 'darts',
  parse: parseCells,
  format,
  network,
  publishedName,
}

/**
 * Makes a space of the family. Its `parse` reads the papers' notation, JSON, and the names of published architectures.
 */
function dartsSpace(name: string, description: string, edges: readonly DartsEdge[]): SearchSpace<DartsGenotype> {
  const space = { name, edges }
  return {
    ...shared,
    name,
    description,
    edges,
    family: dartsFamily,
    encoding: encodingOf(space),
    parse: (text) => parse(space, publishedText(text) ?? text),
    derive: (theta, edgeWeights) => derive(space, theta, edgeWeights),
    oneHot: (genotype) => oneHot(space, genotype),
    supernet: (options) => supernet(space, options),
  }
}

/** The text of a published architecture, if the given text is only its name, as `DARTS_V2` or `genotypes.DARTS_V2;`. */
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

/** The simplified spaces S1 to S4 of RobustDARTS. */
export const dartsS1 = dartsSpace('darts-s1', 'RobustDARTS S1: two operations an edge, preselected', EDGES_S1)
export const dartsS2 = dartsSpace('darts-s2', 'RobustDARTS S2: skip_connect and sep_conv_3x3', EDGES_S2)
export const dartsS3 = dartsSpace('darts-s3', 'RobustDARTS S3: none, skip_connect and sep_conv_3x3', EDGES_S3)
export const dartsS4 = dartsSpace('darts-s4', 'RobustDARTS S4: noise and sep_conv_3x3', EDGES_S4)

export type { Cell, CellInput, DartsGenotype } from './genotype.ts'
export { formatJson } from './notation.ts'
export { PUBLISHED, type PublishedGenotype, publishedGenotype, publishedName, searchedOn } from './published.ts'

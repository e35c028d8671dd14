/** The DARTS space (Liu, Simonyan and Yang, ICLR 2019) and spaces with the same cells and fewer operations. */
import type { SearchSpace } from '../../core/space.ts'
import { derive, oneHot } from './derivation.ts'
import { encodingOf } from './encoding.ts'
import type { DartsGenotype } from './genotype.ts'
import { network, supernet } from './networks.ts'
import { format, parse } from './notation.ts'
import { publishedGenotype } from './published.ts'
import { EDGES_S1, EDGES_S2, EDGES_S3, EDGES_S4 } from './simplified.ts'
import { type DartsEdge, edgesWith, nodeName, OPERATIONS } from './topology.ts'

/** `parse` reads the literature's notation, JSON, and the names of published genotypes. */
function dartsSpace(name: string, description: string, edges: readonly DartsEdge[]): SearchSpace<DartsGenotype> {
  const space = { name, edges }
  return {
    name,
    description,
    edges,
    encoding: encodingOf(space),
    nodeName,
    parse: (text) => parse(space, publishedText(text) ?? text),
    format,
    derive: (theta, edgeWeights) => derive(space, theta, edgeWeights),
    oneHot: (genotype) => oneHot(space, genotype),
    supernet: (options) => supernet(space, options),
    network,
  }
}

/** The cells of a text that is a published name alone, as `DARTS_V2` or `genotypes.DARTS_V2;`. */
function publishedText(text: string): string | undefined {
  const [, name] = /^\s*["']?(?:\w+\.)*(\w+)["']?\s*;?\s*(?:#.*)?$/.exec(text) ?? []
  return name === undefined ? undefined : publishedGenotype(name).genotype
}

export const darts = dartsSpace(
  'darts',
  'DARTS: normal and reduction cells of 4 computed nodes and 14 edges with 8 operations, none among them',
  edgesWith(() => OPERATIONS),
)

/** What DrNAS' published code searches: the seven operations that an architecture can hold. */
export const dartsWithoutNone = dartsSpace(
  'darts-no-none',
  'DARTS without the operation none, as DrNAS searches it',
  edgesWith(() => OPERATIONS.filter((operation) => operation !== 'none')),
)

export const dartsS1 = dartsSpace('darts-s1', 'RobustDARTS S1: two operations an edge, preselected', EDGES_S1)
export const dartsS2 = dartsSpace('darts-s2', 'RobustDARTS S2: skip_connect and sep_conv_3x3', EDGES_S2)
export const dartsS3 = dartsSpace('darts-s3', 'RobustDARTS S3: none, skip_connect and sep_conv_3x3', EDGES_S3)
export const dartsS4 = dartsSpace('darts-s4', 'RobustDARTS S4: noise and sep_conv_3x3', EDGES_S4)

const withNoise = dartsSpace(
  'darts',
  darts.description,
  edgesWith(() => [...OPERATIONS, 'noise']),
)

/** Cells of any space of the family, as cells of `darts`: what is trained in full, drawn or named may come from S4. */
export const parseCells = (text: string): DartsGenotype => (/\bnoise\b/.test(text) ? withNoise : darts).parse(text)

export type { Cell, CellInput, DartsGenotype } from './genotype.ts'
export { publishedName, searchedOn } from './names.ts'
export { formatJson } from './notation.ts'
export { PUBLISHED, type PublishedGenotype, publishedGenotype } from './published.ts'

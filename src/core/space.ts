/**
 * The contract of a search space: its architectures, how they are written and encoded, and the networks they stand for.
 */
import type { ImageShape } from './data.ts'
import type { Drawing } from './drawing.ts'
import type { Matrix } from './mixing.ts'
import type { Network } from './network.ts'
import type { RandomStream } from './random.ts'

/**
 * A discrete architecture. Each space has a type of its own; architectures are strings only in records and on the
 * command line.
 */
export interface Genotype {
  readonly space: string
}

/** An edge of a cell with its candidate operations: one row of the mixing weights. */
export interface Edge {
  /** Cell type: `normal` everywhere on NAS-Bench-201; `normal` or `reduce` on DARTS. */
  readonly cell: string
  readonly from: number
  readonly to: number
  /** Candidate operations, in the literature's order. */
  readonly operations: readonly string[]
}

/** The encoding of architectures as tuples of categorical decisions, for black-box search. */
export interface Encoding<G extends Genotype> {
  /** Number of values of each decision. */
  readonly cardinalities: readonly number[]
  encode(genotype: G): readonly number[]
  decode(decisions: readonly number[]): G
}

/** Size and variants of a supernet. */
export interface SupernetOptions {
  readonly shape: ImageShape
  /** C, the number of channels after the stem. */
  readonly channels: number
  /** NAS-Bench-201: N, the cells per stage; DARTS: the total number of cells. */
  readonly depth: number
  /** Partial channels: operations see 1/k of the channels; 1: all channels. */
  readonly partialChannels?: number
  /**
   * Whether the sum of an edge's operations is multiplied by the edge's own weight (PC-DARTS); else `edgeWeights` are
   * ignored.
   */
  readonly edgeNormalisation?: boolean
  /**
   * Batch norms of the operations in the cells: whether they learn scale and shift, and whether they keep running
   * statistics. Those of stem, residual blocks and head always do both.
   */
  readonly batchNorm: { readonly affine: boolean; readonly track: boolean }
  /** DARTS: the input stem, as in the evaluation network but with three times the channels. */
  readonly family?: 'cifar' | 'imagenet'
  /**
   * DARTS: probability up to which edges are dropped for single samples in training. Above 0, every edge has a
   * drop-path layer.
   */
  readonly dropPath?: number
}

/** Size and variants of the network of one architecture. */
export interface EvaluationNetworkOptions {
  readonly shape: ImageShape
  readonly channels: number
  readonly depth: number
  /** Whether the network has DARTS' auxiliary head, of weight 0.4 in the loss. */
  readonly auxiliary?: boolean
  /** Whether every operation but identities is multiplied by a drop-path scale. */
  readonly dropPath?: boolean
  /** DARTS: whether poolings are followed by a batch norm without scale and shift, as in DrNAS' retraining. */
  readonly pooledBatchNorm?: boolean
  /** Input stem and preprocessing: `cifar` (default) or `imagenet` (three stride-2 convolutions). */
  readonly family?: 'cifar' | 'imagenet'
}

/** The numbering of all architectures of a space in the order of its published table. */
export interface Numbering<G extends Genotype> {
  readonly count: number
  indexOf(genotype: G): number
  /** @throws BenchError `bad-input` outside 0 … count − 1 */
  at(index: number): G
}

/** Size of a paper's evaluation network, and the images of the dataset that the network classifies. */
export type EvaluationSize = Pick<EvaluationNetworkOptions, 'shape' | 'channels' | 'depth' | 'family'>

/** How a benchmark divides the images of one dataset between network weights w and architecture parameters α. */
export interface BenchmarkSplit {
  /** Share of the training images that w is trained on. */
  readonly trainPortion: number
  /**
   * Ascending indices of the training images for w (`train`) and for α (`valid`). Absent: w is trained on all training
   * images and α on the benchmark's half of the test images, x-valid.
   */
  halves?(): { readonly train: Uint32Array; readonly valid: Uint32Array }
}

/**
 * What several spaces have in common that write architectures alike and train them as the same networks, as DARTS and
 * its simplified spaces S1 to S4. An architecture of any space of a family can be trained in full.
 */
export interface SpaceFamily<G extends Genotype = Genotype> {
  readonly name: string
  /** Reads an architecture of any space of the family. @throws BenchError `bad-input` that says which part is wrong */
  parse(text: string): G
  format(genotype: G): string
  /** The network that one architecture is trained as from scratch. */
  network(genotype: G, options: EvaluationNetworkOptions): Network
  /** The name under which a paper published the architecture; undefined where none did. */
  publishedName?(genotype: G): string | undefined
}

/**
 * A search space. The first group of members is required. The optional ones open further commands: tables need
 * `numbering`, pictures need `draw`, full training needs `family`.
 */
export interface SearchSpace<G extends Genotype = Genotype> {
  readonly name: string
  readonly description: string
  readonly edges: readonly Edge[]
  readonly encoding: Encoding<G>
  /** Reads an architecture string. @throws BenchError `bad-input` that says which part of the text is wrong */
  parse(text: string): G
  format(genotype: G): string
  /**
   * Discretises mixing weights by the space's own rule (ties: the lowest index). `theta`: a row for each of `edges`.
   */
  derive(theta: Matrix, edgeWeights?: readonly number[]): G
  /** The mixing weights that make the supernet compute this architecture alone: 1 at its operations, 0 elsewhere. */
  oneHot(genotype: G): Matrix
  /** Search network with shared weights; its coefficients follow `coefficientLayout` of the edges' operation counts. */
  supernet(options: SupernetOptions): Network
  /** The network that one architecture is trained as from scratch. */
  network(genotype: G, options: EvaluationNetworkOptions): Network

  /** Numbers all architectures from 0; absent where a space is too large for a table of all of them. */
  readonly numbering?: Numbering<G>
  /**
   * A text that two architectures share exactly if they are the same network, so that one training serves both. Absent:
   * every architecture is trained for itself.
   */
  trainingKey?(genotype: G): string
  /** Name of a node in pictures and listings; absent: its number. */
  nodeName?(node: number): string
  /** Pictures of the cells, one each; absent: the space has no pictures. */
  draw?(genotype: G, title: string): readonly Drawing[]
  /**
   * The papers' evaluation networks by dataset, the default dataset first; absent: `bench genotype show` gives no
   * costs.
   */
  readonly evaluations?: Readonly<Record<string, EvaluationSize>>
  /** Dataset of `evaluations` that the paper searched a published architecture on; undefined: the default dataset. */
  searchedOn?(genotype: G): string | undefined
  /** What `depth` counts: all `cells`, or the cells of a `stage` (N). Absent: of a stage. */
  readonly depthCounts?: 'cells' | 'stage'
  /** Settings of `network` in a protocol that only some spaces' supernets have, and this one has. */
  readonly supernetSettings?: readonly ('family' | 'dropPath')[]
  /** The benchmark's own division of training images, by dataset (`data.split=benchmark` in a protocol). */
  readonly benchmarkSplits?: Readonly<Record<string, BenchmarkSplit>>
  /** The source that `bench tables fetch` gets a published table of this space from, and the datasets in that table. */
  readonly publishedTable?: { readonly name: string; readonly datasets: readonly string[] }
  /** The family whose networks `bench run --evaluate retrain` trains; absent: architectures are only looked up. */
  readonly family?: SpaceFamily<G>
}

/** A uniformly random architecture: every decision uniform and independent. */
export function sample<G extends Genotype>(space: SearchSpace<G>, stream: RandomStream): G {
  return space.encoding.decode(space.encoding.cardinalities.map((n) => stream.integer(n)))
}

/**
 * One decision, chosen uniformly, changed to another value, chosen uniformly (the mutation of regularised evolution).
 */
export function mutate<G extends Genotype>(space: SearchSpace<G>, genotype: G, stream: RandomStream): G {
  const { cardinalities, encode, decode } = space.encoding
  const at = stream.integer(cardinalities.length)
  const shift = 1 + stream.integer(cardinalities[at] - 1)
  return decode(encode(genotype).map((value, i) => (i === at ? (value + shift) % cardinalities[at] : value)))
}

/** All architectures at edit distance 1. */
export function neighbours<G extends Genotype>(space: SearchSpace<G>, genotype: G): G[] {
  const { cardinalities, encode, decode } = space.encoding
  const decisions = encode(genotype)
  return cardinalities.flatMap((n, at) =>
    Array.from({ length: n }, (_, value) => value)
      .filter((value) => value !== decisions[at])
      .map((value) => decode(decisions.map((old, i) => (i === at ? value : old)))),
  )
}

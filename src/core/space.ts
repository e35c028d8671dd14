/**
 * The contract of a search space: its architectures, their text form and encoding, and the networks that they describe.
 */
import type { ImageShape } from './data.ts'
import type { Drawing } from './drawing.ts'
import type { CellMixing, Matrix, Mixing } from './mixing.ts'
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
  /** Type of the cell that the edge belongs to: `normal` everywhere on NAS-Bench-201; `normal` or `reduce` on DARTS. */
  readonly cell: string
  readonly from: number
  readonly to: number
  /** Candidate operations of the edge, in the order of the literature. */
  readonly operations: readonly string[]
}

/** The encoding of architectures as tuples of categorical decisions, on which black-box searches work. */
export interface Encoding<G extends Genotype> {
  /** Number of possible values of each decision in the encoding. */
  readonly cardinalities: readonly number[]
  encode(genotype: G): readonly number[]
  decode(decisions: readonly number[]): G
}

/** Size and variants of a supernet, the search network with shared weights. */
export interface SupernetOptions {
  readonly shape: ImageShape
  /** C, the number of channels after the supernet's stem. */
  readonly channels: number
  /** Depth of the supernet: N, the cells per stage (NAS-Bench-201), or the total number of cells (DARTS). */
  readonly depth: number
  /** Partial channels: operations of the supernet compute 1/k of the channels; 1: all channels. */
  readonly partialChannels?: number
  /**
   * Whether each edge's mixed sum is multiplied by a weight of the edge (PC-DARTS); if not, `edgeWeights` are ignored.
   */
  readonly edgeNormalisation?: boolean
  /**
   * Batch norms of the operations in the supernet's cells: whether they learn scale and shift, and whether they keep
   * running statistics. Batch norms of stem, residual blocks and head always do both.
   */
  readonly batchNorm: { readonly affine: boolean; readonly track: boolean }
  /**
   * DARTS: stem of the supernet, as in the evaluation network but with three times the channels. `cifar`: one
   * convolution; `imagenet`: three stride-2 convolutions.
   */
  readonly family?: 'cifar' | 'imagenet'
  /**
   * DARTS: largest probability with which an edge of the supernet is dropped for a sample in training. Above 0, every
   * edge has a drop-path layer.
   */
  readonly dropPath?: number
  /**
   * Whether every edge of the supernet has a skip connection beside its operations, weighted by the mixing's
   * `auxiliary` (DARTS-). Where an edge halves the image, it is a factorised reduction with weights of its own.
   */
  readonly auxiliarySkip?: boolean
  /**
   * DARTS: whether a drop-path layer follows every skip connection that keeps the image's size (P-DARTS). The
   * probability is the second argument of `SearchContext.supernet`.
   */
  readonly skipDropout?: boolean
  /** Whether every cell of the supernet has mixing weights of its own (`Mixing.cells`), in place of shared ones. */
  readonly mixingPerCell?: boolean
}

/** Size and variants of the network that one architecture is trained as from scratch. */
export interface EvaluationNetworkOptions {
  readonly shape: ImageShape
  readonly channels: number
  readonly depth: number
  /** Whether the network has DARTS' auxiliary head, whose loss counts with factor 0.4. */
  readonly auxiliary?: boolean
  /** Whether a drop-path layer follows every operation of the network except identities. */
  readonly dropPath?: boolean
  /** DARTS: whether poolings are followed by a batch norm without scale and shift, as in DrNAS' retraining. */
  readonly pooledBatchNorm?: boolean
  /**
   * Stem and preprocessing of the network: `cifar` (default; one convolution) or `imagenet` (three stride-2
   * convolutions).
   */
  readonly family?: 'cifar' | 'imagenet'
  /**
   * Numbers of channels of the hidden linear layers between global pooling and logits, each followed by a ReLU; absent:
   * none, one linear layer gives the logits.
   */
  readonly hiddenLayers?: readonly number[]
}

/** The numbering of all architectures of a space in the order of its published table. */
export interface Numbering<G extends Genotype> {
  readonly count: number
  indexOf(genotype: G): number
  /** Returns the architecture with this number. @throws BenchError `bad-input` outside 0 … count − 1 */
  at(index: number): G
}

/**
 * Size of the network in which a paper evaluates architectures, and shape of the images that the network classifies.
 */
export type EvaluationSize = Pick<EvaluationNetworkOptions, 'shape' | 'channels' | 'depth' | 'family'>

/** How a benchmark divides the images of one dataset between network weights w and architecture parameters α. */
export interface BenchmarkSplit {
  /** Fraction of the benchmark's training images on which w is trained. */
  readonly trainPortion: number
  /**
   * Returns ascending indices of the training images for w (`train`) and for α (`valid`). Absent: w is trained on all
   * training images, and α on the benchmark's half of the test images, x-valid.
   */
  halves?(): { readonly train: Uint32Array; readonly valid: Uint32Array }
}

/** An architecture that a paper has published, with the name by which it can be given on the command line. */
export interface PublishedArchitecture {
  readonly name: string
  /** Other names under which the architecture is known. */
  readonly aliases: readonly string[]
  /** The paper, and the search in it that found the architecture. */
  readonly source: string
  /** The dataset on which the architecture was found. */
  readonly searchedOn: string
  /** Text of the architecture, in the notation of the paper's code. */
  readonly genotype: string
}

/**
 * A family of search spaces that share the text form of architectures and the networks that these are trained as, such
 * as DARTS and its simplified spaces S1 to S4. An architecture of any space of a family can be trained in full.
 */
export interface SpaceFamily<G extends Genotype = Genotype> {
  readonly name: string
  /**
   * Parses the text of an architecture of any space of the family.
   * @throws BenchError `bad-input` that says which part is wrong
   */
  parse(text: string): G
  format(genotype: G): string
  /** Builds the network that one architecture is trained as from scratch. */
  network(genotype: G, options: EvaluationNetworkOptions): Network
  /** The architectures that papers have published, whose names `parse` reads, too; absent: there are none. */
  readonly published?: readonly PublishedArchitecture[]
  /** Returns the name under which a paper published the architecture; undefined if no paper did. */
  publishedName?(genotype: G): string | undefined
  /**
   * Names of the presets of full training that fit the family's networks, the default first; absent: all presets, with
   * `darts-paper` as the default.
   */
  readonly presets?: readonly string[]
  /**
   * Settings of a full training's network that the networks of this family have: the auxiliary head, the stem for
   * photographs (`family=imagenet`), drop path, batch norms after poolings, hidden layers in the head. Absent: all but
   * the last.
   */
  readonly networkSettings?: readonly NetworkSetting[]
  /** What the option `depth` of the networks counts, as in `SearchSpace`; absent: `cells`. */
  readonly depthCounts?: 'cells' | 'stage'
  /** Smallest `depth` with which the network has every type of cell; absent: 1. */
  readonly leastDepth?: number
}

/** A setting of a full training's network that some families of search spaces lack. */
export type NetworkSetting = 'auxiliary' | 'family' | 'dropPath' | 'pooledBatchNorm' | 'head'

/**
 * A search space. The first group of members is required. The optional ones open further commands: tables need
 * `numbering`, pictures need `draw`, full training needs `family`.
 */
export interface SearchSpace<G extends Genotype = Genotype> {
  readonly name: string
  readonly description: string
  readonly edges: readonly Edge[]
  readonly encoding: Encoding<G>
  /** Parses an architecture string. @throws BenchError `bad-input` that says which part of the text is wrong */
  parse(text: string): G
  format(genotype: G): string
  /**
   * Derives the discrete architecture from mixing weights by the space's own rule (ties: the lowest index). `theta` has
   * a row for each of `edges`.
   * @param threshold weight that the operation of an edge must reach; the others become `none`, so that a node may have
   * fewer inputs than usual (Fair-DARTS). Absent: no operation is left out
   */
  derive(theta: Matrix, edgeWeights?: readonly number[], threshold?: number): G
  /**
   * Returns the mixing weights under which the supernet computes this architecture alone: 1 for its operations, 0 for
   * all others.
   */
  oneHot(genotype: G): Matrix
  /**
   * Builds the search network with shared weights; its mixing coefficients follow `coefficientLayout` of the numbers of
   * operations per edge.
   */
  supernet(options: SupernetOptions): Network
  /** Builds the network that one architecture is trained as from scratch. */
  network(genotype: G, options: EvaluationNetworkOptions): Network

  /**
   * Returns, for each cell of a supernet of this depth in turn, the indices of its edges; absent: the space's supernets
   * have no mixing weights per cell.
   */
  supernetCells?(depth: number): readonly (readonly number[])[]
  /**
   * Derives an architecture that is a list of cells from a supernet in which each cell has mixing weights of its own.
   * Absent: architectures of the space are not lists of cells.
   */
  deriveCells?(cells: readonly Required<CellMixing>[], threshold?: number): G
  /**
   * Returns, for an architecture that is a list of cells, the name and the one-hot mixing weights of each cell;
   * undefined for other architectures.
   */
  oneHotCells?(genotype: G): readonly (Required<CellMixing> & { readonly name: string })[] | undefined
  /** Returns the number of cells of an architecture that is a list of cells; undefined for other architectures. */
  cellCount?(genotype: G): number | undefined
  /**
   * Numbers all architectures of the space from 0; absent if the space is too large for a table of all architectures.
   */
  readonly numbering?: Numbering<G>
  /**
   * Returns a text that two architectures share exactly if they are the same network, so that one training serves both.
   * Absent: every architecture is trained separately.
   */
  trainingKey?(genotype: G): string
  /** Returns the name of a cell's node in pictures and listings; absent: nodes are shown by number. */
  nodeName?(node: number): string
  /** Draws the cells of an architecture, one picture for each; absent: the space has no pictures. */
  draw?(genotype: G, title: string): readonly Drawing[]
  /**
   * Size of the network in which papers evaluate architectures, by dataset, the default dataset first. Absent: `bench
   * genotype show` prints no parameters and multiply-accumulates.
   */
  readonly evaluations?: Readonly<Record<string, EvaluationSize>>
  /**
   * Returns the dataset of `evaluations` on which the paper searched a published architecture; undefined: the default
   * dataset.
   */
  searchedOn?(genotype: G): string | undefined
  /**
   * What the option `depth` of a network counts: `cells`: all cells; `stage`: the cells per stage (N). Absent: `stage`.
   */
  readonly depthCounts?: 'cells' | 'stage'
  /** Which of the protocol's `network` settings that not every space supports the supernets of this space support. */
  readonly supernetSettings?: readonly ('family' | 'dropPath')[]
  /** How the benchmark itself divides the training images, by dataset (`data.split=benchmark` in a protocol). */
  readonly benchmarkSplits?: Readonly<Record<string, BenchmarkSplit>>
  /**
   * Name of the larger space whose lookup tables contain the architectures of this space; absent: the space has tables
   * of its own, or none.
   */
  readonly tablesOf?: string
  /**
   * The source from which `bench tables fetch` gets a published table of this space, and the datasets in that table.
   */
  readonly publishedTable?: { readonly name: string; readonly datasets: readonly string[] }
  /**
   * Family of the space, whose networks `bench run --evaluate retrain` trains; absent: architectures are only looked up
   * in tables.
   */
  readonly family?: SpaceFamily<G>
}

/**
 * Derives the discrete architecture from mixing weights: by `deriveCells`, as a list of cells, if every cell of the
 * supernet has mixing weights of its own, else by `derive`.
 */
export function derived<G extends Genotype>(space: SearchSpace<G>, mixing: Mixing, threshold?: number): G {
  const { theta, edgeWeights, cells = [] } = mixing
  const own = cells.flatMap((cell) => (cell.theta === undefined ? [] : [{ ...cell, theta: cell.theta }]))
  if (own.length === 0 || space.deriveCells === undefined) return space.derive(theta, edgeWeights, threshold)
  return space.deriveCells(own, threshold)
}

/** Returns a random architecture: every decision is independent and uniformly distributed. */
export function sample<G extends Genotype>(space: SearchSpace<G>, stream: RandomStream): G {
  return space.encoding.decode(space.encoding.cardinalities.map((n) => stream.integer(n)))
}

/**
 * Returns the architecture with one decision, chosen uniformly, changed to another value, chosen uniformly (the
 * mutation of regularised evolution).
 */
export function mutate<G extends Genotype>(space: SearchSpace<G>, genotype: G, stream: RandomStream): G {
  const { cardinalities, encode, decode } = space.encoding
  const at = stream.integer(cardinalities.length)
  const shift = 1 + stream.integer(cardinalities[at] - 1)
  const decisions = encode(genotype).slice()
  decisions[at] = (decisions[at] + shift) % cardinalities[at]
  return decode(decisions)
}

/** Returns all architectures that differ from this one in exactly one decision. */
export function neighbours<G extends Genotype>(space: SearchSpace<G>, genotype: G): G[] {
  const { cardinalities, encode, decode } = space.encoding
  const decisions = encode(genotype)
  return cardinalities.flatMap((n, at) =>
    Array.from({ length: n }, (_, value) => value)
      .filter((value) => value !== decisions[at])
      .map((value) => decode(decisions.map((old, i) => (i === at ? value : old)))),
  )
}

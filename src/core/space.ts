/** A search space: what an architecture is, how it is written, and the networks it stands for. */
import type { ImageShape } from './data.ts'
import type { Matrix } from './mixing.ts'
import type { Network } from './network.ts'
import type { RandomStream } from './random.ts'

/** A discrete architecture. Each space has its own type; the string form exists only at the border. */
export interface Genotype {
  readonly space: string
}

/** A row of the mixing matrix. */
export interface Edge {
  /** Cell type: `normal` everywhere on NAS-Bench-201; `normal` or `reduce` on DARTS. */
  readonly cell: string
  readonly from: number
  readonly to: number
  /** Candidate operations, in the literature's order. */
  readonly operations: readonly string[]
}

/** A genotype as a tuple of categorical decisions, for black-box search. */
export interface Encoding<G extends Genotype> {
  /** Number of values of each decision. */
  readonly cardinalities: readonly number[]
  encode(genotype: G): readonly number[]
  decode(decisions: readonly number[]): G
}

export interface SupernetOptions {
  readonly shape: ImageShape
  /** C, channels after the stem. */
  readonly channels: number
  /** NAS-Bench-201: N, cells a stage; DARTS: total number of cells. */
  readonly depth: number
  /** Partial channels: operations see 1/k of the channels; 1 is off. */
  readonly partialChannels?: number
  /** Each edge's mixture is weighed by the edge's own coefficient (PC-DARTS); else `edgeWeights` are not read. */
  readonly edgeNormalisation?: boolean
  /**
   * Of the operations in the cells; stem, residual blocks and head always learn scale and shift and keep statistics.
   */
  readonly batchNorm: { readonly affine: boolean; readonly track: boolean }
  /** DARTS: input stem, as in the evaluation network, with three times the channels. */
  readonly family?: 'cifar' | 'imagenet'
  /** DARTS: in training, edges are dropped for single samples. Above 0 the network has a site for it on every edge. */
  readonly dropPath?: number
}

export interface EvaluationNetworkOptions {
  readonly shape: ImageShape
  readonly channels: number
  readonly depth: number
  /** DARTS' auxiliary head, weight 0.4. */
  readonly auxiliary?: boolean
  /** Multiply every operation but identities by a drop-path scale. */
  readonly dropPath?: boolean
  /** DARTS: poolings are followed by a batch normalisation without scale and shift, as in DrNAS' retraining. */
  readonly pooledBatchNorm?: boolean
  /** Input stem and preprocessing: `cifar` (default) or `imagenet` (three stride-2 convolutions). */
  readonly family?: 'cifar' | 'imagenet'
}

/** The literature's numbering of all architectures: the order of the published tables. */
export interface Numbering<G extends Genotype> {
  readonly count: number
  indexOf(genotype: G): number
  /** @throws BenchError `bad-input` outside 0 … count − 1 */
  at(index: number): G
}

export interface SearchSpace<G extends Genotype = Genotype> {
  readonly name: string
  readonly description: string
  readonly edges: readonly Edge[]
  readonly encoding: Encoding<G>
  /** Absent where a space is too large for tables of all its architectures. */
  readonly numbering?: Numbering<G>
  /**
   * A name of the function that an architecture computes: architectures of one name are the same network, and one
   * training serves them all. Absent: each architecture is its own.
   */
  functionOf?(genotype: G): string
  /** A node as the picture of a cell names it; absent: by its number. */
  nodeName?(node: number): string
  /** @throws BenchError `bad-input` that says which part of the text is wrong */
  parse(text: string): G
  format(genotype: G): string
  /** The genotype that mixing weights stand for, by the space's own rule. Ties: the lowest index. */
  derive(theta: Matrix, edgeWeights?: readonly number[]): G
  /** The mixing under which the search network computes this architecture alone: 1 at its operations, 0 elsewhere. */
  oneHot(genotype: G): Matrix
  /** Search network with shared weights; its coefficients follow `coefficientLayout` of the edges' operation counts. */
  supernet(options: SupernetOptions): Network
  /** The network of one architecture, trained alone. */
  network(genotype: G, options: EvaluationNetworkOptions): Network
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

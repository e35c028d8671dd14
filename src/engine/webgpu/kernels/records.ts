/**
 * The records that tell kernels the offsets and sizes of a network's filters and terms (summands of nodes): one per
 * filter and one per term, each a fixed list of unsigned 32-bit words. The lowering encodes them into two tables on the
 * GPU; WGSL reads the words by name.
 */
import { NONE } from '../device/kernel.ts'

/**
 * The fields of a filter's record, one 32-bit word each. Offsets count quads (four floats) unless the comment says
 * otherwise.
 */
export const FILTER_FIELDS = [
  /** Number of the flag that says whether the filter runs in a step. */
  'flag',
  /** Offset of the filter's weights in the network's weight vector, in floats. */
  'weightOffset',
  ...(['kernelHeight', 'kernelWidth', 'stride', 'padding', 'dilation'] as const),
  /** Sizes of the filter's output; `quads` (groups of four channels) includes padding channels, `channels` does not. */
  ...(['height', 'width', 'quads', 'channels'] as const),
  /**
   * Offsets of the filter's input, and of the gradient with respect to it, in the buffers that a kernel binds for them.
   */
  ...(['inputOffset', 'inputGradientOffset'] as const),
  /**
   * Offset in `vectors` of the scale and shift that batch-normalise the filter's input; NONE: the input is read as it
   * is stored.
   */
  'inputNorm',
  /**
   * Offset of the filter's output in the buffer of its group; the gradient with respect to the output has the same
   * offset.
   */
  'outputOffset',
  /** Offset at which the convolution stores the moments of the filter's output; NONE: no normalisation needs them. */
  'moments',
  /**
   * 1: in evaluation, running statistics replace the moments of the filter's output, so that those are not computed; 0:
   * the moments are computed in evaluation, too.
   */
  'tracked',
  /**
   * Offset in `vectors` of the term that normalises the filter's output; NONE: the gradient of the output is stored.
   */
  'outputNorm',
  /**
   * Number of the bound buffer with the gradient of the node that reads the filter's output, and the offset of that
   * gradient in the buffer (`readers.ts`).
   */
  ...(['gradientSource', 'gradientSourceOffset'] as const),
  /**
   * Offset of the filter's partial gradient sums among those of its group, and offset of the group's partial sums in
   * their buffer.
   */
  ...(['partialsOffset', 'groupPartialsOffset'] as const),
  /**
   * How the filter's gradient is summed: number of partial sums; pixels (depthwise: rows of pixels) in each; number of
   * threads that add up the partial sums of one element.
   */
  ...(['chunkCount', 'perChunk', 'lanes'] as const),
  /**
   * Number of stored rows of the filter's gradient. Of every `storedRows` rows the first `denseRows` belong to real
   * channels, the others to padding channels.
   */
  ...(['rows', 'storedRows', 'denseRows'] as const),
] as const

/** The fields of a filter's record that may be absent; kernels then read NONE. */
type OptionalFilterField =
  | 'inputNorm'
  | 'moments'
  | 'tracked'
  | 'outputNorm'
  | 'gradientSource'
  | 'gradientSourceOffset'

/** The record of one convolution filter, before it is encoded as 32-bit words. */
export type FilterRecord = RecordOf<(typeof FILTER_FIELDS)[number], OptionalFilterField>

/** WGSL: declares the struct `Filter`, the type of the elements of the table `filters`. */
export const FILTER = `
struct Filter { ${FILTER_FIELDS.map((name) => `${name}: u32`).join(', ')} }`

/**
 * The rows of per-channel numbers that every term (summand of a node) has in the buffer `vectors`, one row after the
 * other, one vec4f per four channels: the scale and shift that normalise and mix it; its mean and variance; the
 * coefficients of its gradient (`differentiate` in `norm.ts`); each channel's contribution to the gradient of its
 * mixing coefficient.
 */
export const ROWS = ['scale', 'shift', 'mean', 'variance', 'slope', 'curve', 'offset', 'contribution'] as const

/** Returns the WGSL expression for the offset of a row of `ROWS` from the first row of its term in `vectors`. */
export const rowOf = (name: (typeof ROWS)[number], quads = 'args.quads'): string => `${ROWS.indexOf(name)}u * ${quads}`

/** The fields of a term's record, one 32-bit word each; a term is a summand of a node. */
export const TERM_FIELDS = [
  /** Offset of the term's rows in the buffer `vectors`, in quads (groups of four channels). */
  'base',
  /** Offsets of batch norm's γ and β in the weight vector, in floats; NONE: the normalisation has no γ and β. */
  ...(['gamma', 'beta'] as const),
  /** Offset of the term's running means in the statistics, in floats; NONE: it has no running statistics. */
  'running',
  /** 1: the term is batch-normalised and scaled; 0: it is only scaled. */
  'normalised',
  /**
   * Offset of the moments of the term's value, in quads, and pixels of each chunk of them; NONE: the term needs none.
   */
  ...(['moments', 'pixelsPerChunk'] as const),
  /**
   * Rows of the buffer `products` that hold the term's Σ g·(value − μ) and Σ g (g: gradient with respect to the node;
   * μ: mean of the channel); NONE: the term needs no such sum.
   */
  ...(['productRow', 'gradientRow'] as const),
  /** Offsets of the term's value and of the gradient of its node, in quads, for the kernel `reduceProductsEach`. */
  ...(['valueOffset', 'gradientOffset'] as const),
] as const

type OptionalTermField = Exclude<(typeof TERM_FIELDS)[number], 'base' | 'normalised' | 'gradientRow'>

/** The record of one term (summand of a node), before it is encoded as 32-bit words. */
export type TermRecord = RecordOf<(typeof TERM_FIELDS)[number], OptionalTermField>

const constants = (names: readonly string[]) =>
  names.map((name, i) => `const ${name.toUpperCase()} = ${i}u;`).join('\n')

/**
 * WGSL functions: `field` reads a word of a term's record from the table `terms`; `row` returns the offset of a term's
 * row in `vectors`.
 */
export const TERM = `
${constants(ROWS)}
${constants(TERM_FIELDS)}
fn field(term: u32, name: u32) -> u32 { return terms[term * ${TERM_FIELDS.length}u + name]; }
fn row(term: u32, name: u32) -> u32 { return field(term, BASE) + name * args.quads; }`

/** A record with a number for every field of `F`; an optional field may be undefined. */
type RecordOf<F extends string, Optional extends F> = Readonly<Record<Exclude<F, Optional>, number>> &
  Readonly<Record<Optional, number | undefined>>

/** Encodes a filter's or term's record as 32-bit words in the order of its fields; an absent field becomes NONE. */
export const encodeRecord = <F extends string>(
  fields: readonly F[],
  record: Readonly<Record<F, number | undefined>>,
): number[] => fields.map((name) => record[name] ?? NONE)

/**
 * The records that tell kernels the offsets and sizes of a network's convolution filters and of its terms (the summands
 * of nodes): one record per filter and per term, each a fixed list of unsigned 32-bit words. The lowering writes them
 * to two tables on the GPU; WGSL reads the words by name.
 */
import { NONE } from '../device/kernel.ts'

/**
 * The fields of a filter's record, one 32-bit word each. Offsets count quads (four floats) unless the comment says
 * otherwise.
 */
export const FILTER_FIELDS = [
  /** Index of the activity flag that says whether the filter runs in a step. */
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
   * Offset in the buffer `vectors` of the scale and shift that batch-normalise the filter's input; NONE: the filter
   * reads its input as it is stored.
   */
  'inputNorm',
  /**
   * Offset of the filter's output in the buffer that holds the outputs of its group of filters; the gradient with
   * respect to the output has the same offset in the buffer of these gradients.
   */
  'outputOffset',
  /**
   * Offset in the buffer `moments` at which the convolution stores the batch moments of the filter's output; NONE: no
   * normalisation needs them.
   */
  'moments',
  /**
   * 1: the moments of the filter's output are not computed in evaluation, because running statistics replace them; 0:
   * they are computed in evaluation, too.
   */
  'tracked',
  /**
   * Offset in `vectors` of the batch norm's coefficients from which kernels compute the gradient with respect to the
   * filter's output; NONE: that gradient is stored.
   */
  'outputNorm',
  /**
   * Index of the bound buffer with the gradient of the node that reads the filter's output, and the offset of that
   * gradient in the buffer (`readers.ts`).
   */
  ...(['gradientSource', 'gradientSourceOffset'] as const),
  /**
   * Offset of the partial sums of the filter's gradient within the partial sums of its group of filters, and offset of
   * the group's partial sums in their buffer.
   */
  ...(['partialsOffset', 'groupPartialsOffset'] as const),
  /**
   * How the filter's gradient is summed: the number of partial sums (chunks); the pixels of each chunk (depthwise: rows
   * of pixels); the number of threads that add up the partial sums of one element.
   */
  ...(['chunkCount', 'perChunk', 'lanes'] as const),
  /**
   * Number of stored rows of the filter's gradient. Of every `storedRows` rows the first `denseRows` belong to real
   * channels, the others to padding channels.
   */
  ...(['rows', 'storedRows', 'denseRows'] as const),
] as const

/** The fields of a filter's record that may be undefined; kernels then read NONE. */
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
 * The per-channel data of a term (summand of a node) in the buffer `vectors`, one row after the other, one vec4f per
 * four channels. `scale`, `shift`: normalise the term and multiply it by its mixing coefficient. `mean`, `variance`: of
 * the batch or running. `slope`, `curve`, `offset`: coefficients of its gradient (`differentiate` in `norm.ts`).
 * `contribution`: of each channel to the gradient of the mixing coefficient.
 */
export const ROWS = ['scale', 'shift', 'mean', 'variance', 'slope', 'curve', 'offset', 'contribution'] as const

/** Returns the WGSL expression for the offset of a row of `ROWS` from the first row of its term in `vectors`. */
export const rowOf = (name: (typeof ROWS)[number], quads = 'args.quads'): string => `${ROWS.indexOf(name)}u * ${quads}`

/** The fields of a term's record, one 32-bit word each; a term is a summand of a node. */
export const TERM_FIELDS = [
  /** Offset of the term's first row (`ROWS`) in the buffer `vectors`, in quads (groups of four channels). */
  'base',
  /** Offsets of batch norm's γ and β in the weight vector, in floats; NONE: the normalisation has no γ and β. */
  ...(['gamma', 'beta'] as const),
  /** Offset of the term's running means in the buffer `statistics`, in floats; NONE: it has no running statistics. */
  'running',
  /**
   * 1: the term is batch-normalised and multiplied by its mixing coefficient; 0: it is only multiplied by the
   * coefficient.
   */
  'normalised',
  /**
   * Offset of the batch moments of the term's activation tensor, in quads, and the number of pixels in each of their
   * chunks; NONE: the moments are not needed.
   */
  ...(['moments', 'pixelsPerChunk'] as const),
  /**
   * Rows of the buffer `products` that hold the term's Σ g·(value − μ) and Σ g (g: gradient with respect to the node;
   * μ: mean of the channel); NONE: the term needs no such sum.
   */
  ...(['productRow', 'gradientRow'] as const),
  /**
   * Offsets of the term's activation tensor and of the gradient with respect to its node, in quads, for the kernel
   * `reduceProductsEach`.
   */
  ...(['valueOffset', 'gradientOffset'] as const),
] as const

type OptionalTermField = Exclude<(typeof TERM_FIELDS)[number], 'base' | 'normalised' | 'gradientRow'>

/** The record of one term (summand of a node), before it is encoded as 32-bit words. */
export type TermRecord = RecordOf<(typeof TERM_FIELDS)[number], OptionalTermField>

const constants = (names: readonly string[]) =>
  names.map((name, i) => `const ${name.toUpperCase()} = ${i}u;`).join('\n')

/**
 * WGSL functions: `field` reads a word of a term's record from the table `terms`; `row` returns the offset of one of
 * the term's rows (`ROWS`) in the buffer `vectors`.
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

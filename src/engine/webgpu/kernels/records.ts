/**
 * The records that tell kernels about the filters and the terms of a network: one per filter and one per term, each a
 * fixed list of unsigned words. The lowering encodes them into two tables; WGSL reads the words by name.
 */
import { NONE } from '../device/kernel.ts'

/** The words of a filter's record. Offsets count quads (four floats) unless the comment says otherwise. */
export const FILTER_FIELDS = [
  /** Number of the filter's activity flag. */
  'flag',
  /** Where the weights of the filter begin in the weight vector, in floats. */
  'weightOffset',
  ...(['kernelHeight', 'kernelWidth', 'stride', 'padding', 'dilation'] as const),
  /** Sizes of the output; `quads` includes padding channels, `channels` does not. */
  ...(['height', 'width', 'quads', 'channels'] as const),
  /** Where the input, and the gradient with respect to the input, begin in the buffers that are bound for them. */
  ...(['inputOffset', 'inputGradientOffset'] as const),
  /**
   * Where the rows of the term that normalises the input begin in `vectors`; NONE: the input is read as it is stored.
   */
  'inputNorm',
  /** Where the output begins in the buffer of its group; the gradient with respect to the output begins there too. */
  'outputOffset',
  /** Where the moments of the output go; NONE: nobody needs them. */
  'moments',
  /** 1: running statistics replace the moments in evaluation, so that they are not computed there. */
  'tracked',
  /** Where the rows of the term that normalises the output begin; NONE: the gradient of the output is stored. */
  'outputNorm',
  /** Which of the bound gradients is that of the normalising term's node, and where it begins (`readers.ts`). */
  ...(['gradientSource', 'gradientSourceOffset'] as const),
  /** Where the partial sums of the filter begin within its group, and where those of the group begin in the buffer. */
  ...(['partialsOffset', 'groupPartialsOffset'] as const),
  /** Partial sums, the pixels or rows of pixels of each, and the threads that add up one number of all of them. */
  ...(['chunkCount', 'perChunk', 'lanes'] as const),
  /**
   * Rows of the filter's gradient; of every `storedRows` the first `denseRows` belong to channels that are no padding.
   */
  ...(['rows', 'storedRows', 'denseRows'] as const),
] as const

/** The fields of a filter's record that may be absent. */
type OptionalFilterField =
  | 'inputNorm'
  | 'moments'
  | 'tracked'
  | 'outputNorm'
  | 'gradientSource'
  | 'gradientSourceOffset'

/** A filter's record before it is encoded. */
export type FilterRecord = RecordOf<(typeof FILTER_FIELDS)[number], OptionalFilterField>

/** WGSL: the type of the elements of `filters`. */
export const FILTER = `
struct Filter { ${FILTER_FIELDS.map((name) => `${name}: u32`).join(', ')} }`

/**
 * The rows that every term has in `vectors`, one vec4f per quad of channels, one row after the other: the scale and
 * shift that mix and normalise it, its moments, the coefficients of its gradient (`differentiate` in `norm.ts`), and
 * the contribution of each channel to ∂L/∂c.
 */
export const ROWS = ['scale', 'shift', 'mean', 'variance', 'slope', 'curve', 'offset', 'contribution'] as const

/** Returns the WGSL expression for where a row begins, relative to the first row of its term. */
export const rowOf = (name: (typeof ROWS)[number], quads = 'args.quads'): string => `${ROWS.indexOf(name)}u * ${quads}`

/** The words of a term's record. */
export const TERM_FIELDS = [
  /** Where the rows of the term begin in `vectors`, in quads. */
  'base',
  /** Where γ and β begin in the weight vector, in floats; NONE: the normalisation has no γ and β. */
  ...(['gamma', 'beta'] as const),
  /** Where the running means begin in the statistics, in floats; NONE: there are no running statistics. */
  'running',
  /** 1: the term is batch-normalised; 0: it is only scaled. */
  'normalised',
  /** Where the moments of the term's value begin, in quads, and the pixels of each chunk; NONE: they are not needed. */
  ...(['moments', 'pixelsPerChunk'] as const),
  /** Rows of `products` with Σ g·(value − μ) and with Σ g; NONE: the term needs no such sum. */
  ...(['productRow', 'gradientRow'] as const),
  /** Where the value and the gradient of the term's node begin, in quads, for `reduceProductsEach`. */
  ...(['valueOffset', 'gradientOffset'] as const),
] as const

type OptionalTermField = Exclude<(typeof TERM_FIELDS)[number], 'base' | 'normalised' | 'gradientRow'>

/** A term's record before it is encoded. */
export type TermRecord = RecordOf<(typeof TERM_FIELDS)[number], OptionalTermField>

const constants = (names: readonly string[]) =>
  names.map((name, i) => `const ${name.toUpperCase()} = ${i}u;`).join('\n')

/** WGSL: reads words of a term's record from `terms`, and finds the rows of a term in `vectors`. */
export const TERM = `
${constants(ROWS)}
${constants(TERM_FIELDS)}
fn field(term: u32, name: u32) -> u32 { return terms[term * ${TERM_FIELDS.length}u + name]; }
fn row(term: u32, name: u32) -> u32 { return field(term, BASE) + name * args.quads; }`

/** A number for every field; undefined where an optional one is absent. */
type RecordOf<F extends string, Optional extends F> = Readonly<Record<Exclude<F, Optional>, number>> &
  Readonly<Record<Optional, number | undefined>>

/** Encodes a record as words in the order of its fields; an absent field becomes NONE. */
export const encodeRecord = <F extends string>(
  fields: readonly F[],
  record: Readonly<Record<F, number | undefined>>,
): number[] => fields.map((name) => record[name] ?? NONE)

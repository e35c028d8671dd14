/**
 * What kernels know of a filter: a record of unsigned words. Those of a whole network stand one after the other, so that
 * a dispatch takes many filters by the number of the first.
 */
export const FILTER_FIELDS = [
  /** Its activity flag. */
  'flag',
  /** Where its weights begin, in a vector of weights. */
  'weight',
  ...(['kernelHeight', 'kernelWidth', 'stride', 'padding', 'dilation'] as const),
  /** Of its output; quads as stored, channels without what fills them up. */
  ...(['height', 'width', 'quads', 'channels'] as const),
  /** Where what it reads begins in its buffer, and the gradient wrt that in its own, in quads. */
  ...(['source', 'targetOffset'] as const),
  /** The rows of the term that normalises what it reads, with 1 added; 0: none. */
  'normPlus1',
  /** Where its output begins among those of its group, in quads; so does the gradient wrt it. */
  'plane',
  /** Where the moments of its output go, in quads and 1 added; 0: nowhere. Whether only training needs them. */
  ...(['momentsPlus1', 'tracked'] as const),
  /**
   * The rows of the term that normalises its output, in which buffer the gradient wrt that term's node is, and where it
   * begins (see `outputGradient.ts`).
   */
  ...(['norm', 'gradientSource', 'gradientSourceOffset'] as const),
  /** Where the chunks of its gradient begin among those of its group, in quads; where these do among all that wait. */
  ...(['chunks', 'groupChunks'] as const),
  /** How many chunks, of how many pixels or rows each, and added up by how many lanes (see `filterGradient.ts`). */
  ...(['chunkCount', 'perChunk', 'lanes'] as const),
  /** Rows of its gradient: in a chunk; of every `storedRows` the first `denseRows` are real. */
  ...(['rows', 'storedRows', 'denseRows'] as const),
] as const

export type FilterRecord = Readonly<Record<(typeof FILTER_FIELDS)[number], number>>

/** WGSL: the type that buffers of `Filter` have. */
export const FILTER = `
struct Filter { ${FILTER_FIELDS.map((name) => `${name}: u32`).join(', ')} }`

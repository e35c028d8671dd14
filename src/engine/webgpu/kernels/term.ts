/**
 * What kernels know of a node's term: rows by channel in `vectors`, from its `base` on, which they make and read, and a
 * record of unsigned words in `terms`.
 */

/** Rows of a term in `vectors`: what scales and shifts it, its moments, its gradient's form, its part in ∂L/∂c. */
export const ROWS = ['scale', 'shift', 'mean', 'variance', 'slope', 'curve', 'offset', 'contribution'] as const

/** WGSL: where a row begins, from a term's `base` on. */
export const rowOf = (name: (typeof ROWS)[number]): string => `${ROWS.indexOf(name)}u * args.quads`

/** Words of a term's record. Of those with 1 added, 0 says that there is none. */
export const RECORD = [
  'base',
  'gammaPlus1',
  'beta',
  'runningPlus1',
  'normalised',
  /** Where the moments of its value begin, in quads; of how many pixels each. */
  ...(['moments', 'pixelsPerChunk'] as const),
  /** Rows of `products`: of its Σ g·(value − μ), with 1 added, and of Σ g. */
  ...(['productRowPlus1', 'gradientRow'] as const),
  /** Where its value and the gradient wrt its node begin, for `reduceProductsEach`. */
  ...(['valuePlane', 'gradientPlane'] as const),
] as const

const constants = (names: readonly string[]) =>
  names.map((name, i) => `const ${name.toUpperCase()} = ${i}u;`).join('\n')

/** WGSL: how kernels read a term's record, in `terms`. */
export const TERM = `
${constants(ROWS)}
${constants(RECORD)}
fn field(term: u32, name: u32) -> u32 { return terms[term * ${RECORD.length}u + name]; }
fn row(term: u32, name: u32) -> u32 { return field(term, BASE) + name * args.quads; }`

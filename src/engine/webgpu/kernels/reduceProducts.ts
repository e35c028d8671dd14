/** The way back of a node: sums over its gradient and its terms' values, from which `norm.ts` makes what it sends. */
import { defineKernel } from '../device/kernel.ts'
import { COLUMN_ARGS, COLUMN_SUM, COLUMN_THREADS, OVER_CHUNK } from './columnSums.ts'
import { numbered, readable } from './numbered.ts'
import { rowOf, TERM } from './term.ts'

/**
 * What a node's gradient g sends to the coefficients and normalisations of its terms, by chunk of pixels:
 *
 *   products[0] ← Σ g,   products[row_j] ← Σ g·(value_j − μ_j)
 */
export const reduceProducts = (most: number) =>
  defineKernel<string, string>({
    name: `reduceProducts ${most}`,
    buffers: {
      feed: 'read f32',
      vectors: 'read vec4f',
      gradient: 'read vec4f',
      products: 'write vec4f',
      ...readable(numbered(most).map((j) => `value${j}`)),
    },
    args: [
      ...COLUMN_ARGS,
      ...['chunkCount', 'termCount', 'count'],
      ...numbered(most).flatMap((j) => [`term${j}`, `base${j}`, `row${j}`]),
    ],
    code: `${COLUMN_SUM}
@compute @workgroup_size(${COLUMN_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  ${OVER_CHUNK}
  var sum = vec4f();
  ${numbered(most)
    .map(
      (j) => `
  var sum${j} = vec4f();
  let enabled${j} = ${j}u < args.count && feed[args.termCount + args.term${j}] != 0.0;
  var mean${j} = vec4f();
  if (working && enabled${j}) { mean${j} = vectors[args.base${j} + ${rowOf('mean')} + quad]; }`,
    )
    .join('\n')}
  if (working) {
    for (var pixel = first + line; pixel < end; pixel += args.lines) {
      let at = pixel * args.quads + quad;
      let g = gradient[at];
      sum += g;
      ${numbered(most)
        .map((j) => `if (enabled${j}) { sum${j} += g * (value${j}[at] - mean${j}); }`)
        .join('\n')}
    }
  }
  let writing = working && line == 0u;
  let start = group.x * args.quads + quad;
  sum = columnSum(thread, sum);
  if (writing) { products[start] = sum; }
  var sums = array(${numbered(most)
    .map((j) => `sum${j}`)
    .join(', ')});
  var rows = array(${numbered(most)
    .map((j) => `args.row${j}`)
    .join(', ')});
  for (var j = 0u; j < args.count; j++) {
    let total = columnSum(thread, sums[j]);
    if (writing) { products[rows[j] * args.chunkCount * args.quads + start] = total; }
  }
}`,
  })

/** The same for nodes of one term each, of their own values and gradients; a workgroup's z is the node. */
export const reduceProductsEach = defineKernel({
  name: 'reduceProductsEach',
  buffers: {
    terms: 'read u32',
    feed: 'read f32',
    vectors: 'read vec4f',
    values: 'read vec4f',
    gradients: 'read vec4f',
    products: 'write vec4f',
  },
  args: [...COLUMN_ARGS, 'first', 'termCount', 'chunkCount'],
  code: `${TERM}${COLUMN_SUM}
@compute @workgroup_size(${COLUMN_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let term = args.first + group.z;
  if (feed[args.termCount + term] == 0.0) { return; }
  ${OVER_CHUNK}
  var sum = vec4f();
  var product = vec4f();
  if (working) {
    let mean = vectors[row(term, MEAN) + quad];
    for (var pixel = first + line; pixel < end; pixel += args.lines) {
      let at = pixel * args.quads + quad;
      let g = gradients[field(term, GRADIENTPLANE) + at];
      sum += g;
      product += g * (values[field(term, VALUEPLANE) + at] - mean);
    }
  }
  sum = columnSum(thread, sum);
  product = columnSum(thread, product);
  if (working && line == 0u) {
    let start = group.x * args.quads + quad;
    let step = args.chunkCount * args.quads;
    products[field(term, GRADIENTROW) * step + start] = sum;
    products[(field(term, PRODUCTROWPLUS1) - 1u) * step + start] = product;
  }
}`,
})

/** A node: the sum of its terms, each scaled and shifted by channel (see `norm.ts`); and the way back. */
import { type Access, ADDS, defineKernel, eachItem } from '../kernel.ts'
import { COLUMN_ARGS, COLUMN_SUM, COLUMN_THREADS, OVER_CHUNK } from './columnSums.ts'
import { rowOf, TERM } from './norm.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, j) => j)
const readable = (names: readonly string[]): Record<string, Access> =>
  Object.fromEntries(names.map((name) => [name, 'read vec4f']))

/** output (+)= Σ_j scale_j·value_j + shift_j over the enabled ones of the first `count` terms */
/** @param most terms that the kernel has room for */
export const combine = (most: number) =>
  defineKernel<string, string>({
    name: `combine ${most}`,
    buffers: {
      feed: 'read f32',
      vectors: 'read vec4f',
      output: 'write vec4f',
      ...readable(numbered(most).map((j) => `value${j}`)),
    },
    args: [
      'perSample',
      'quads',
      'termCount',
      'count',
      'accumulate',
      ...numbered(most).flatMap((j) => [`term${j}`, `base${j}`]),
    ],
    code: eachItem(
      'run.samples * args.perSample',
      `let quad = i % args.quads;
      var sum = vec4f();
      if (args.accumulate == 1u) { sum = output[i]; }
      ${numbered(most)
        .map(
          (j) => `if (${j}u < args.count && feed[args.termCount + args.term${j}] != 0.0) {
            let at = args.base${j} + quad;
            sum += vectors[at + ${rowOf('scale')}] * value${j}[i] + vectors[at + ${rowOf('shift')}];
          }`,
        )
        .join('\n')}
      output[i] = sum;`,
    ),
  })

/**
 * What a node's gradient g sends to the coefficients and normalisations of its terms, by chunk of pixels:
 *
 *   products[0] ← Σ g,   products[row_j] ← Σ g·(value_j − μ_j)
 */
export const project = (most: number) =>
  defineKernel<string, string>({
    name: `project ${most}`,
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
export const projectEach = defineKernel({
  name: 'projectEach',
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

/** result_j (+)= slope_j·gradient, and + curve_j·value_j + offset_j where the term is normalised. */
export const distribute = (normalised: readonly boolean[]) =>
  defineKernel<string, string>({
    name: `distribute ${normalised.map((is) => (is ? 'n' : 'p')).join('')}`,
    buffers: {
      feed: 'read f32',
      vectors: 'read vec4f',
      gradient: 'read vec4f',
      ...readable(normalised.flatMap((is, j) => (is ? [`value${j}`] : []))),
      ...Object.fromEntries(normalised.map((_, j) => [`result${j}`, 'write vec4f' as const])),
    },
    args: [
      'perSample',
      'quads',
      'termCount',
      ...normalised.flatMap((_, j) => [`term${j}`, `base${j}`, `accumulate${j}`]),
    ],
    code: `${ADDS}
${eachItem(
  'run.samples * args.perSample',
  `let quad = i % args.quads;
  let g = gradient[i];
  ${normalised
    .map(
      (is, j) => `if (feed[args.termCount + args.term${j}] != 0.0) {
        let at = args.base${j} + quad;
        var sent = vectors[at + ${rowOf('slope')}] * g;
        ${is ? `sent += vectors[at + ${rowOf('curve')}] * value${j}[i] + vectors[at + ${rowOf('offset')}];` : ''}
        if (adds(args.accumulate${j})) { sent += result${j}[i]; }
        result${j}[i] = sent;
      }`,
    )
    .join('\n')}`,
)}`,
  })

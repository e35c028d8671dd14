/**
 * Kernels of a node: a sum of activation tensors (its terms), each scaled and shifted by channel (`norm.ts`). Forward:
 * the sum. Backward: the sums over pixels from which the gradients of mixing coefficients and batch norms are computed,
 * and the gradients with respect to the activation tensors.
 */
import { ADDS, declare, defineKernel, eachItem, numbered, unrolled } from '../device/kernel.ts'
import { COLUMN_ARGS, COLUMN_SUM, COLUMN_THREADS, OVER_CHUNK } from './columnSums.ts'
import { rowOf, TERM } from './records.ts'

/**
 * Kernel: computes a node, output ← (or +=) Σ_j (scale_j·value_j + shift_j), where value_j is the activation tensor of
 * term j < `count`. Terms on paths that are switched off are left out.
 *
 * @param most the largest number of terms that the kernel can add
 */
export const combine = (most: number) =>
  defineKernel<string, string>({
    name: `combine ${most}`,
    buffers: {
      feed: 'read f32',
      vectors: 'read vec4f',
      output: 'write vec4f',
      ...declare(numbered('value', most), 'read vec4f'),
    },
    args: [
      'perSample',
      'quads',
      'termCount',
      'count',
      'accumulate',
      ...numbered('term', most),
      ...numbered('base', most),
    ],
    code: eachItem(
      'run.samples * args.perSample',
      `let quad = i % args.quads;
      var sum = vec4f();
      if (args.accumulate == 1u) { sum = output[i]; }
      ${unrolled(
        most,
        (j) => `if (${j}u < args.count && feed[args.termCount + args.term${j}] != 0.0) {
            let at = args.base${j} + quad;
            sum += vectors[at + ${rowOf('scale')}] * value${j}[i] + vectors[at + ${rowOf('shift')}];
          }`,
      )}
      output[i] = sum;`,
    ),
  })

/**
 * Kernel: computes for each chunk of pixels and each channel the sums from which the gradients of the mixing
 * coefficients and batch norms of a node's terms are computed, where g is the gradient with respect to the node and μ_j
 * the mean of value_j in the channel:
 *
 *   products[0] ← Σ g,   products[row_j] ← Σ g·(value_j − μ_j)
 *
 * Workgroup x: chunk; y: block of channels.
 *
 * @param most the largest number of terms that the kernel can process
 */
export const reduceProducts = (most: number) =>
  defineKernel<string, string>({
    name: `reduceProducts ${most}`,
    buffers: {
      feed: 'read f32',
      vectors: 'read vec4f',
      gradient: 'read vec4f',
      products: 'write vec4f',
      ...declare(numbered('value', most), 'read vec4f'),
    },
    args: [
      ...COLUMN_ARGS,
      ...['chunkCount', 'termCount', 'count'],
      ...[...numbered('term', most), ...numbered('base', most), ...numbered('row', most)],
    ],
    code: `${COLUMN_SUM}
@compute @workgroup_size(${COLUMN_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  ${OVER_CHUNK}
  var sum = vec4f();
  ${unrolled(
    most,
    (j) => `
  var sum${j} = vec4f();
  let enabled${j} = ${j}u < args.count && feed[args.termCount + args.term${j}] != 0.0;
  var mean${j} = vec4f();
  if (working && enabled${j}) { mean${j} = vectors[args.base${j} + ${rowOf('mean')} + quad]; }`,
  )}
  if (working) {
    for (var pixel = first + line; pixel < end; pixel += args.lines) {
      let at = pixel * args.quads + quad;
      let g = gradient[at];
      sum += g;
      ${unrolled(most, (j) => `if (enabled${j}) { sum${j} += g * (value${j}[at] - mean${j}); }`)}
    }
  }
  let writing = working && line == 0u;
  let start = group.x * args.quads + quad;
  sum = columnSum(thread, sum);
  if (writing) { products[start] = sum; }
  var sums = array(${numbered('sum', most).join(', ')});
  var rows = array(${numbered('args.row', most).join(', ')});
  for (var j = 0u; j < args.count; j++) {
    let total = columnSum(thread, sums[j]);
    if (writing) { products[rows[j] * args.chunkCount * args.quads + start] = total; }
  }
}`,
  })

/**
 * Kernel: computes the sums of `reduceProducts` for several nodes that are one batch-normalised activation tensor each.
 * All these tensors are parts of one buffer, and so are the gradients with respect to the nodes. Workgroup x: chunk; y:
 * block of channels; z: node.
 */
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
      let g = gradients[field(term, GRADIENTOFFSET) + at];
      sum += g;
      product += g * (values[field(term, VALUEOFFSET) + at] - mean);
    }
  }
  sum = columnSum(thread, sum);
  product = columnSum(thread, product);
  if (working && line == 0u) {
    let start = group.x * args.quads + quad;
    let step = args.chunkCount * args.quads;
    products[field(term, GRADIENTROW) * step + start] = sum;
    products[field(term, PRODUCTROW) * step + start] = product;
  }
}`,
})

/**
 * Kernel: computes the gradients with respect to the activation tensors (value_j) of several terms j of a node from the
 * gradient g with respect to the node:
 *
 *   result_j ← (or +=) slope_j·g                                   for a term without normalisation
 *   result_j ← (or +=) slope_j·g + curve_j·value_j + offset_j      for a batch-normalised term
 *
 * The kernel `differentiate` (`norm.ts`) has computed the per-channel coefficients slope, curve and offset. Terms on
 * paths that are switched off are skipped.
 *
 * @param normalised for each term whether it is batch-normalised
 */
export const backpropTerms = (normalised: readonly boolean[]) =>
  defineKernel<string, string>({
    name: `backpropTerms ${normalised.map((is) => (is ? 'n' : 'p')).join('')}`,
    buffers: {
      feed: 'read f32',
      vectors: 'read vec4f',
      gradient: 'read vec4f',
      ...declare(
        normalised.flatMap((is, j) => (is ? [`value${j}`] : [])),
        'read vec4f',
      ),
      ...declare(numbered('result', normalised.length), 'write vec4f'),
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

/** A node: the sum of its terms, each scaled and shifted by channel (see `norm.ts`); and its gradient, sent to them. */
import { ADDS, defineKernel, eachItem } from '../device/kernel.ts'
import { numbered, readable } from './numbered.ts'
import { rowOf } from './term.ts'

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

/** result_j (+)= slope_j·gradient, and + curve_j·value_j + offset_j where the term is normalised. */
export const backpropTerms = (normalised: readonly boolean[]) =>
  defineKernel<string, string>({
    name: `backpropTerms ${normalised.map((is) => (is ? 'n' : 'p')).join('')}`,
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

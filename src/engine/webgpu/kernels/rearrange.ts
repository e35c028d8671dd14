/** Kernels that only move numbers. */
import { ADDS, defineKernel, eachItem } from '../device/kernel.ts'
import { numbered } from './numbered.ts'

/** In the map of a `gather`: a channel that is to be 0, and one that is left as it is. Others are counted from 1. */
export const NOTHING = 0
export const LEFT = 2 ** 32 - 1
/** In such a map, inputs stand above channels. */
export const INPUT_STEP = 2 ** 16

/**
 * Channels of several inputs become channels of the output: of each as stored, `map` says which input's channel it is.
 *
 * @param most inputs that the kernel has room for
 */
export const gather = (most: number) =>
  defineKernel<string, string>({
    name: `gather ${most}`,
    buffers: {
      ...({ map: 'read u32', output: 'write f32' } as const),
      ...Object.fromEntries(numbered(most).map((j) => [`input${j}`, 'read f32' as const])),
    },
    args: ['channels', 'pixelsPerSample', ...numbered(most).map((j) => `inputChannels${j}`)],
    code: eachItem(
      'run.samples * args.pixelsPerSample * args.channels',
      `let pixel = i / args.channels;
      let own = map[i % args.channels];
      if (own == ${LEFT}u) { continue; }
      var value = 0.0;
      if (own != ${NOTHING}u) {
        let channel = (own - 1u) % ${INPUT_STEP}u;
        switch (own - 1u) / ${INPUT_STEP}u {
          ${numbered(most)
            .map((j) => `case ${j}u: { value = input${j}[pixel * args.inputChannels${j} + channel]; }`)
            .join('\n')}
          default: {}
        }
      }
      output[i] = value;`,
    ),
  })

/**
 * The way back: of several inputs, result_j (+)= the channels of the gradient that came from it, 0 for the others.
 * `maps` has, from `map_j` on, for each channel of input j as stored, which of the gradient's it became, with 1 added.
 */
export const scatter = (most: number) =>
  defineKernel<string, string>({
    name: `scatter ${most}`,
    buffers: {
      ...({ gradient: 'read f32', maps: 'read u32' } as const),
      ...Object.fromEntries(numbered(most).map((j) => [`result${j}`, 'write f32' as const])),
    },
    args: [
      ...['gradientChannels', 'pixelsPerSample', 'widest'],
      ...numbered(most).flatMap((j) => [`channels${j}`, `map${j}`, `accumulate${j}`]),
    ],
    code: `${ADDS}
${eachItem(
  'run.samples * args.pixelsPerSample * args.widest',
  `let pixel = i / args.widest;
  let channel = i % args.widest;
  ${numbered(most)
    .map(
      (j) => `if (channel < args.channels${j}) {
        let own = maps[args.map${j} + channel];
        let at = pixel * args.channels${j} + channel;
        var value = 0.0;
        if (own > 0u) { value = gradient[pixel * args.gradientChannels + own - 1u]; }
        if (adds(args.accumulate${j})) { value += result${j}[at]; }
        result${j}[at] = value;
      }`,
    )
    .join('\n')}`,
)}`,
  })

/** output ← input without its first rows and columns; all sizes are the input's. */
export const crop = defineKernel({
  name: 'crop',
  buffers: { input: 'read vec4f', output: 'write vec4f' },
  args: ['height', 'width', 'quads', 'rows'],
  code: eachItem(
    'run.samples * (args.height - args.rows) * (args.width - args.rows) * args.quads',
    `let width = args.width - args.rows;
    let height = args.height - args.rows;
    let x = (i / args.quads) % width + args.rows;
    let y = (i / (args.quads * width)) % height + args.rows;
    let sample = i / (args.quads * width * height);
    output[i] = input[((sample * args.height + y) * args.width + x) * args.quads + i % args.quads];`,
  ),
})

/** result (+)= gradient, zeros in the first rows and columns */
export const cropGradient = defineKernel({
  name: 'cropGradient',
  buffers: { gradient: 'read vec4f', result: 'write vec4f' },
  args: ['height', 'width', 'quads', 'rows', 'accumulate'],
  code: `${ADDS}
${eachItem(
  'run.samples * args.height * args.width * args.quads',
  `let x = (i / args.quads) % args.width;
  let y = (i / (args.quads * args.width)) % args.height;
  let sample = i / (args.quads * args.width * args.height);
  var value = vec4f();
  if (x >= args.rows && y >= args.rows) {
    let row = sample * (args.height - args.rows) + y - args.rows;
    value = gradient[(row * (args.width - args.rows) + x - args.rows) * args.quads + i % args.quads];
  }
  if (adds(args.accumulate)) { value += result[i]; }
  result[i] = value;`,
)}`,
})

/**
 * GPU kernels that copy channels from one activation tensor to another or crop images, and the kernels of their
 * gradients.
 */
import { ADDS, declare, defineKernel, eachItem, numbered, unrolled } from '../device/kernel.ts'

/**
 * An entry in the channel map of the kernel `gather`: the kernel does not write this output channel, because another
 * dispatch does.
 */
export const KEEP = 2 ** 32 - 2
/** In the channel map of the kernel `gather`, the entry j · INPUT_STEP + c means channel c of input j. */
export const INPUT_STEP = 2 ** 16

/**
 * Kernel: copies channels of several inputs to the output. `map` has an entry for every output channel, padding
 * channels included: the input channel to copy (see `INPUT_STEP`); KEEP, to leave the output channel as it is; or NONE,
 * to set it to 0.
 *
 * @param most the number of inputs that the kernel can bind
 */
export const gather = (most: number) =>
  defineKernel<string, string>({
    name: `gather ${most}`,
    buffers: {
      ...({ map: 'read u32', output: 'write f32' } as const),
      ...declare(numbered('input', most), 'read f32'),
    },
    args: ['channels', 'pixelsPerSample', ...numbered('inputChannels', most)],
    code: eachItem(
      'run.samples * args.pixelsPerSample * args.channels',
      `let pixel = i / args.channels;
      let own = map[i % args.channels];
      if (own == ${KEEP}u) { continue; }
      var value = 0.0;
      if (own != NONE) {
        let channel = own % ${INPUT_STEP}u;
        switch own / ${INPUT_STEP}u {
          ${unrolled(most, (j) => `case ${j}u: { value = input${j}[pixel * args.inputChannels${j} + channel]; }`)}
          default: {}
        }
      }
      output[i] = value;`,
    ),
  })

/**
 * Kernel: the backward pass of `gather`, for several inputs j. `gradient` is the gradient with respect to the output;
 * result_j, that with respect to input j, is overwritten or incremented. `maps` has, from index `map_j` on, for every
 * channel of input j the output channel to which it was copied, or NONE; an input channel that was not copied has the
 * gradient 0.
 *
 * @param most the number of inputs that the kernel can bind
 */
export const scatter = (most: number) =>
  defineKernel<string, string>({
    name: `scatter ${most}`,
    buffers: {
      ...({ gradient: 'read f32', maps: 'read u32' } as const),
      ...declare(numbered('result', most), 'write f32'),
    },
    args: [
      ...['gradientChannels', 'pixelsPerSample', 'widest'],
      ...[...numbered('channels', most), ...numbered('map', most), ...numbered('accumulate', most)],
    ],
    code: `${ADDS}
${eachItem(
  'run.samples * args.pixelsPerSample * args.widest',
  `let pixel = i / args.widest;
  let channel = i % args.widest;
  ${unrolled(
    most,
    (j) => `if (channel < args.channels${j}) {
        let own = maps[args.map${j} + channel];
        let at = pixel * args.channels${j} + channel;
        var value = 0.0;
        if (own != NONE) { value = gradient[pixel * args.gradientChannels + own]; }
        if (adds(args.accumulate${j})) { value += result${j}[at]; }
        result${j}[at] = value;
      }`,
  )}`,
)}`,
  })

/**
 * Kernel: output ← input without its first `rows` rows and first `rows` columns. The arguments `height` and `width` are
 * those of the input.
 */
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

/**
 * Kernel: the backward pass of `crop`: result ← (or +=) gradient, shifted by `rows` rows and columns, and zeros in the
 * cropped rows and columns.
 */
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

/** Kernels that only move numbers. */
import { ADDS, defineKernel, eachItem } from '../kernel.ts'

const CHANNELS = ['count', 'inputChannels', 'outputChannels', 'outputFrom', 'pixelsPerSample'] as const

/** Channels `maps[0]`, `maps[1]`, … of the input become channels `outputFrom`, `outputFrom` + 1, … of the output. */
export const gather = defineKernel({
  name: 'gather',
  buffers: { input: 'read f32', maps: 'read u32', output: 'write f32' },
  args: CHANNELS,
  code: eachItem(
    'run.samples * args.pixelsPerSample * args.count',
    `let pixel = i / args.count;
    let channel = i % args.count;
    let value = input[pixel * args.inputChannels + maps[channel]];
    output[pixel * args.outputChannels + args.outputFrom + channel] = value;`,
  ),
})

/** The way back: result += the gradient's channels, where they came from. A map names no channel twice. */
export const scatter = defineKernel({
  name: 'scatter',
  buffers: { gradient: 'read f32', maps: 'read u32', result: 'write f32' },
  args: CHANNELS,
  code: eachItem(
    'run.samples * args.pixelsPerSample * args.count',
    `let pixel = i / args.count;
    let channel = i % args.count;
    let value = gradient[pixel * args.outputChannels + args.outputFrom + channel];
    result[pixel * args.inputChannels + maps[channel]] += value;`,
  ),
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

/** Kernels that treat every number, or every pixel, on its own. */
import { ADDS, defineKernel, eachItem } from '../device/kernel.ts'

/** The images with their channels as stored: images [pixels, channels] → output [pixels, quads]. */
export const padChannels = defineKernel({
  name: 'padChannels',
  buffers: { images: 'read f32', output: 'write vec4f' },
  args: ['pixelsPerSample', 'channels', 'quads'],
  code: eachItem(
    'run.samples * args.pixelsPerSample * args.quads',
    `let start = 4u * (i % args.quads);
    var value = vec4f();
    for (var lane = 0u; lane < 4u; lane++) {
      if (start + lane < args.channels) { value[lane] = images[(i / args.quads) * args.channels + start + lane]; }
    }
    output[i] = value;`,
  ),
})

/** output ← 0 */
export const clear = defineKernel({
  name: 'clear',
  buffers: { output: 'write vec4f' },
  args: ['perSample'],
  code: eachItem('run.samples * args.perSample', 'output[i] = vec4f();'),
})

/** output (+)= input */
export const add = defineKernel({
  name: 'add',
  buffers: { input: 'read vec4f', output: 'write vec4f' },
  args: ['perSample', 'accumulate'],
  code: `${ADDS}
${eachItem(
  'run.samples * args.perSample',
  `var value = input[i];
  if (adds(args.accumulate)) { value += output[i]; }
  output[i] = value;`,
)}`,
})

/** output ← max(input, 0); what is not a number stays. */
export const relu = defineKernel({
  name: 'relu',
  buffers: { input: 'read vec4f', output: 'write vec4f' },
  args: ['perSample'],
  code: eachItem(
    'run.samples * args.perSample',
    `let value = input[i];
    output[i] = select(value, vec4f(), value < vec4f());`,
  ),
})

/** output (+)= input where decider > 0 */
export const pass = defineKernel({
  name: 'pass',
  buffers: { decider: 'read vec4f', input: 'read vec4f', output: 'write vec4f' },
  args: ['perSample', 'accumulate'],
  code: `${ADDS}
${eachItem(
  'run.samples * args.perSample',
  `var value = select(vec4f(), input[i], decider[i] > vec4f());
  if (adds(args.accumulate)) { value += output[i]; }
  output[i] = value;`,
)}`,
})

/** output (+)= input · scales[sample] */
export const scaleSamples = defineKernel({
  name: 'scaleSamples',
  buffers: { input: 'read vec4f', scales: 'read f32', output: 'write vec4f' },
  args: ['perSample', 'first', 'accumulate'],
  code: `${ADDS}
${eachItem(
  'run.samples * args.perSample',
  `var value = input[i] * scales[args.first + i / args.perSample];
  if (adds(args.accumulate)) { value += output[i]; }
  output[i] = value;`,
)}`,
})

/** output ← input + bias, for [batch, channels] */
export const addBias = defineKernel({
  name: 'addBias',
  buffers: { input: 'read vec4f', weights: 'read f32', output: 'write vec4f' },
  args: ['quads', 'channels', 'parameter'],
  code: eachItem(
    'run.samples * args.quads',
    `let start = 4u * (i % args.quads);
    var value = input[i];
    for (var lane = 0u; lane < 4u; lane++) {
      if (start + lane < args.channels) { value[lane] += weights[args.parameter + start + lane]; }
    }
    output[i] = value;`,
  ),
})

/** gradient of the bias ← Σ over the batch */
export const biasGradient = defineKernel({
  name: 'biasGradient',
  buffers: { output: 'read vec4f', gradient: 'write f32' },
  args: ['quads', 'channels', 'parameter'],
  code: eachItem(
    'args.quads',
    `var sum = vec4f();
    for (var sample = 0u; sample < run.samples; sample++) { sum += output[sample * args.quads + i]; }
    for (var lane = 0u; lane < 4u; lane++) {
      if (4u * i + lane < args.channels) { gradient[args.parameter + 4u * i + lane] = sum[lane]; }
    }`,
  ),
})

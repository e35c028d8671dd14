/**
 * Elementwise kernels: padding of channels, clearing, adding, ReLU and its masks, drop path, and the bias of the
 * classifier.
 */
import { ADDS, defineKernel, eachItem } from '../device/kernel.ts'

/** Kernel: copies images [pixels, channels] to `output`, whose channels are padded with zeros to a multiple of four. */
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

/** Kernel: fills `output` with zeros; `perSample` is its number of quads (groups of four channels) per sample. */
export const clear = defineKernel({
  name: 'clear',
  buffers: { output: 'write vec4f' },
  args: ['perSample'],
  code: eachItem('run.samples * args.perSample', 'output[i] = vec4f();'),
})

/** Kernel: output ← (or +=) input; the argument `accumulate` says whether it adds. */
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

/** Kernel: ReLU, output ← max(input, 0); NaN stays NaN. */
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

/**
 * Kernel: output ← (or +=) input where mask > 0, else 0. With the input of a ReLU as the mask, this is the backward
 * pass of the ReLU, or a ReLU that is frozen at that mask.
 */
export const applyMask = defineKernel({
  name: 'applyMask',
  buffers: { mask: 'read vec4f', input: 'read vec4f', output: 'write vec4f' },
  args: ['perSample', 'accumulate'],
  code: `${ADDS}
${eachItem(
  'run.samples * args.perSample',
  `var value = select(vec4f(), input[i], mask[i] > vec4f());
  if (adds(args.accumulate)) { value += output[i]; }
  output[i] = value;`,
)}`,
})

/** Kernel: output ← (or +=) input · scales[first + sample]: drop path, which multiplies each sample by one factor. */
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

/**
 * Kernel: output ← input + bias for an activation tensor [batch, channels]. The bias starts at index `parameter` of the
 * weight vector.
 */
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

/** Kernel: computes the gradient of a bias: the sum over the batch of the gradient with respect to the output. */
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

/**
 * Kernels of depthwise convolutions, in which each channel has its own small filter; several filters share one
 * dispatch. The equations are those in `convolve.ts` without the sums over channels.
 */
import { ADDS, defineKernel, eachItem } from '../device/kernel.ts'
import { AFFINE, GRADIENT, INPUT, INPUT_ARGS, outputGradient } from './readers.ts'
import { FILTER } from './records.ts'

/**
 * WGSL function `weightsAt(window, tap, quad)`: returns a depthwise filter's weights for four channels at one cell
 * (`tap`) of its window.
 */
const WEIGHTS = `
fn weightsAt(window: Filter, tap: u32, quad: u32) -> vec4f {
  var row = vec4f();
  for (var lane = 0u; lane < 4u; lane++) {
    let channel = 4u * quad + lane;
    if (channel < window.channels) { row[lane] = weights[window.weightOffset + tap * window.channels + channel]; }
  }
  return row;
}`

/**
 * Returns WGSL that adds weight · factor to `sum` for each cell (tap) of the filter's window.
 *
 * @param factor returns the WGSL expression of the factor for a tap
 */
const overTaps = (factor: (tap: string) => string) => `
  for (var ky = 0u; ky < window.kernelHeight; ky++) {
    for (var kx = 0u; kx < window.kernelWidth; kx++) {
      let weight = weightsAt(window, ky * window.kernelWidth + kx, quad);
      sum += weight * ${factor('vec2u(ky, kx)')};
    }
  }`

/**
 * Returns WGSL that splits the index `i` of an element of a batch of images into channel quad and `place` (sample, row,
 * column).
 *
 * @param image the WGSL variable from which the sizes of the images are read
 */
const placeIn = (image: 'window' | 'args') => `
  let quad = i % ${image}.quads;
  let line = i / (${image}.quads * ${image}.width);
  let place = vec3u(line / ${image}.height, line % ${image}.height, (i / ${image}.quads) % ${image}.width);`

/** Kernel: computes the outputs of several depthwise filters, each at its offset in `results`. Workgroup y: filter. */
export const depthwise = defineKernel({
  name: 'depthwise',
  buffers: {
    filters: 'read Filter',
    flags: 'read u32',
    weights: 'read f32',
    vectors: 'read vec4f',
    source: 'read vec4f',
    results: 'write vec4f',
  },
  args: [...INPUT_ARGS, 'first'],
  code: `${FILTER}${INPUT}${WEIGHTS}
${eachItem(
  'run.samples * window.height * window.width * window.quads',
  `${placeIn('window')}
  let affine = affineOf(window, quad);
  var sum = vec4f();
  ${overTaps((tap) => `inputAt(window, affine, place, ${tap}, quad)`)}
  results[window.outputOffset + i] = sum;`,
  `let window = filters[args.first + id.y];
  if (flags[window.flag] == 0u) { return; }`,
)}`,
})

/**
 * WGSL: applies the mask of the ReLU on the filters' input: sets the input gradient `sum` to 0 where that ReLU was off.
 */
const MASK = `
  let affine = affineOf(head, quad);
  sum = select(vec4f(), sum, affine.scale * image[head.inputOffset + i] + affine.shift > vec4f());`

/**
 * Kernel: computes gradients with respect to the inputs of depthwise filters. Every `count` consecutive filters read
 * the same input, and their gradients are summed into one result. Workgroup y: result.
 *
 * @param masked whether the filters apply ReLU to their input, so that the result is 0 where the input is not positive
 */
export const depthwiseBack = (masked: boolean) => {
  const { buffers, code } = outputGradient(0)
  return defineKernel<string, string>({
    name: `depthwiseBack ${masked ? 'masked' : 'plain'}`,
    buffers: {
      ...({ filters: 'read Filter', flags: 'read u32', weights: 'read f32', result: 'write vec4f' } as const),
      ...(masked && ({ image: 'read vec4f', vectors: 'read vec4f' } as const)),
      ...buffers,
    },
    args: ['first', 'count', 'height', 'width', 'quads', 'accumulate'],
    code: `${FILTER}${code}${GRADIENT}${WEIGHTS}${ADDS}${masked ? AFFINE : ''}
${eachItem(
  'run.samples * args.height * args.width * args.quads',
  `${placeIn('args')}
  var sum = vec4f();
  for (var f = begin; f < begin + args.count; f++) {
    let window = filters[f];
    if (flags[window.flag] == 0u) { continue; }
    let form = formOf(window, quad);
    ${overTaps((tap) => `gradientAt(window, form, place, ${tap}, quad)`)}
  }
  ${masked ? MASK : ''}
  let slot = head.inputGradientOffset + i;
  if (adds(args.accumulate)) { sum += result[slot]; }
  result[slot] = sum;`,
  `let begin = args.first + id.y * args.count;
  let head = filters[begin];`,
)}`,
  })
}

/**
 * Number of quads (groups of four channels) that a workgroup of `depthwiseFilterGradient` covers, with `LINES` threads
 * for each.
 */
export const DEPTHWISE_COLUMNS = 8
const LINES = 8
/** Number of threads in a workgroup of the kernel `depthwiseFilterGradient`. */
export const DEPTHWISE_THREADS = DEPTHWISE_COLUMNS * LINES

/**
 * Kernel: computes partial sums of the gradients of several depthwise filters of the same width, partialSums[chunk,
 * tap, quad] ← Σ input·g over the rows of pixels of a chunk, with g = ∂L/∂output. `sumPartials` adds the chunks up.
 * Workgroup x: chunk; y: row of taps; z: filter and block of channels.
 */
export const depthwiseFilterGradient = (kernelWidth: number) => {
  const taps = Array.from({ length: kernelWidth }, (_, kx) => kx)
  return defineKernel<string, string>({
    name: `depthwiseFilterGradient ${kernelWidth}`,
    buffers: {
      filters: 'read Filter',
      flags: 'read u32',
      vectors: 'read vec4f',
      source: 'read vec4f',
      gradients: 'read vec4f',
      partialSums: 'write vec4f',
    },
    args: [...INPUT_ARGS, 'first', 'blocks'],
    code: `${FILTER}${INPUT}
var<workgroup> partial: array<array<vec4f, ${DEPTHWISE_THREADS}>, ${kernelWidth}>;

@compute @workgroup_size(${DEPTHWISE_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let window = filters[args.first + group.z / args.blocks];
  if (flags[window.flag] == 0u || group.x >= window.chunkCount || group.y >= window.kernelHeight) { return; }
  let quad = (group.z % args.blocks) * ${DEPTHWISE_COLUMNS}u + thread % ${DEPTHWISE_COLUMNS}u;
  let line = thread / ${DEPTHWISE_COLUMNS}u;
  let first = group.x * window.perChunk;
  let end = min(first + window.perChunk, run.samples * window.height);
  ${taps.map((kx) => `var sum${kx} = vec4f();`).join('\n')}
  let affine = affineOf(window, min(quad, args.quads - 1u));
  for (var row = first; row < end; row++) {
    if (quad >= args.quads) { continue; }
    for (var x = line; x < window.width; x += ${LINES}u) {
      let g = gradients[window.outputOffset + (row * window.width + x) * args.quads + quad];
      let place = vec3u(row / window.height, row % window.height, x);
      ${taps.map((kx) => `sum${kx} += g * inputAt(window, affine, place, vec2u(group.y, ${kx}u), quad);`).join('\n')}
    }
  }
  ${taps.map((kx) => `partial[${kx}][thread] = sum${kx};`).join('\n')}
  for (var reach = ${LINES / 2}u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if (line < reach) {
      for (var kx = 0u; kx < ${kernelWidth}u; kx++) { partial[kx][thread] += partial[kx][thread + reach * ${DEPTHWISE_COLUMNS}u]; }
    }
  }
  if (line > 0u || quad >= args.quads) { return; }
  for (var kx = 0u; kx < ${kernelWidth}u; kx++) {
    let tap = (group.x * window.kernelHeight + group.y) * ${kernelWidth}u + kx;
    partialSums[window.partialsOffset + tap * args.quads + quad] = partial[kx][thread];
  }
}`,
  })
}

/** Depthwise convolutions, of several filters at once: one small filter a channel. The equations are in `convolve.ts`. */
import { ADDS, defineKernel, eachItem } from '../device/kernel.ts'
import { FILTER } from './filter.ts'
import { outputGradient } from './outputGradient.ts'
import { GRADIENT, LENS, SOURCE, SOURCE_ARGS } from './windows.ts'

/** WGSL: w[tap, channel] of four channels. */
const WEIGHTS = `
fn weightsAt(window: Filter, tap: u32, quad: u32) -> vec4f {
  var row = vec4f();
  for (var lane = 0u; lane < 4u; lane++) {
    let channel = 4u * quad + lane;
    if (channel < window.channels) { row[lane] = weights[window.weight + tap * window.channels + channel]; }
  }
  return row;
}`

/** WGSL: adds what `factor` gives times the weight, over all cells of the window. */
const overTaps = (factor: (tap: string) => string) => `
  for (var ky = 0u; ky < window.kernelHeight; ky++) {
    for (var kx = 0u; kx < window.kernelWidth; kx++) {
      let weight = weightsAt(window, ky * window.kernelWidth + kx, quad);
      sum += weight * ${factor('vec2u(ky, kx)')};
    }
  }`

/** WGSL: the place of item `i` of an image. */
const placeIn = (image: 'window' | 'args') => `
  let quad = i % ${image}.quads;
  let line = i / (${image}.quads * ${image}.width);
  let place = vec3u(line / ${image}.height, line % ${image}.height, (i / ${image}.quads) % ${image}.width);`

/** result_f of each filter, beside each other in `results`; a workgroup's y is its filter. */
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
  args: [...SOURCE_ARGS, 'first'],
  code: `${FILTER}${SOURCE}${WEIGHTS}
${eachItem(
  'run.samples * window.height * window.width * window.quads',
  `${placeIn('window')}
  let lens = lensOf(window, quad);
  var sum = vec4f();
  ${overTaps((tap) => `sourceAt(window, lens, place, ${tap}, quad)`)}
  results[window.plane + i] = sum;`,
  `let window = filters[args.first + id.y];
  if (flags[window.flag] == 0u) { return; }`,
)}`,
})

/** WGSL: the gradient goes where the image is positive as it is read. */
const MASK = `
  let lens = lensOf(head, quad);
  sum = select(vec4f(), sum, lens.scale * image[head.source + i] + lens.shift > vec4f());`

/**
 * The gradient wrt what several filters read, to which each adds; `masked` where they read an image through ReLU, and perhaps a lens. Of
 * every `count` filters the sum is one result; a workgroup's y is its result.
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
    code: `${FILTER}${code}${GRADIENT}${WEIGHTS}${ADDS}${masked ? LENS : ''}
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
  let slot = head.targetOffset + i;
  if (adds(args.accumulate)) { sum += result[slot]; }
  result[slot] = sum;`,
  `let begin = args.first + id.y * args.count;
  let head = filters[begin];`,
)}`,
  })
}

/** Quads of channels and rows of threads of a workgroup. */
const COLUMNS = 8
const LINES = 8

/** How many quads of channels a workgroup of `depthwiseFilterGradient` covers, and of how many threads it is. */
export const DEPTHWISE_COLUMNS = COLUMNS
export const DEPTHWISE_THREADS = COLUMNS * LINES

/**
 * chunks[chunk, tap, quad] ← Σ window·g over the chunk's rows of pixels, of filters that are equally wide; a workgroup's
 * x is its chunk, y its row of taps, z its filter and block of channels. For `sumChunks`.
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
      chunks: 'write vec4f',
    },
    args: [...SOURCE_ARGS, 'first', 'blocks'],
    code: `${FILTER}${SOURCE}
var<workgroup> partial: array<array<vec4f, ${COLUMNS * LINES}>, ${kernelWidth}>;

@compute @workgroup_size(${COLUMNS * LINES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let window = filters[args.first + group.z / args.blocks];
  if (flags[window.flag] == 0u || group.x >= window.chunkCount || group.y >= window.kernelHeight) { return; }
  let quad = (group.z % args.blocks) * ${COLUMNS}u + thread % ${COLUMNS}u;
  let line = thread / ${COLUMNS}u;
  let first = group.x * window.perChunk;
  let end = min(first + window.perChunk, run.samples * window.height);
  ${taps.map((kx) => `var sum${kx} = vec4f();`).join('\n')}
  let lens = lensOf(window, min(quad, args.quads - 1u));
  for (var row = first; row < end; row++) {
    if (quad >= args.quads) { continue; }
    for (var x = line; x < window.width; x += ${LINES}u) {
      let g = gradients[window.plane + (row * window.width + x) * args.quads + quad];
      let place = vec3u(row / window.height, row % window.height, x);
      ${taps.map((kx) => `sum${kx} += g * sourceAt(window, lens, place, vec2u(group.y, ${kx}u), quad);`).join('\n')}
    }
  }
  ${taps.map((kx) => `partial[${kx}][thread] = sum${kx};`).join('\n')}
  for (var reach = ${LINES / 2}u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if (line < reach) {
      for (var kx = 0u; kx < ${kernelWidth}u; kx++) { partial[kx][thread] += partial[kx][thread + reach * ${COLUMNS}u]; }
    }
  }
  if (line > 0u || quad >= args.quads) { return; }
  for (var kx = 0u; kx < ${kernelWidth}u; kx++) {
    let tap = (group.x * window.kernelHeight + group.y) * ${kernelWidth}u + kx;
    chunks[window.chunks + tap * args.quads + quad] = partial[kx][thread];
  }
}`,
  })
}

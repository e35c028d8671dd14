/** Depthwise convolutions: one small filter a channel. The geometry is that of `convolve.ts`. */
import { ADDS, defineKernel, eachItem } from '../kernel.ts'
import { GEOMETRY } from './windows.ts'

/**
 * result[y, x, c] (+)= Σ_tap source·w[tap, c], or transposed. With `relu` 1, forward sends the source through ReLU,
 * transposed the result through the mask that `image` gives.
 */
export const depthwise = defineKernel({
  name: 'depthwise',
  buffers: { source: 'read vec4f', weights: 'read f32', image: 'read vec4f', result: 'write vec4f' },
  args: [
    ...['height', 'width', 'quads', 'resultHeight', 'resultWidth', 'kernelHeight', 'kernelWidth'],
    ...['stride', 'padding', 'dilation', 'weight', 'channels', 'transposed', 'relu', 'accumulate'],
  ] as const,
  code: `${GEOMETRY}${ADDS}
fn weightsAt(tap: u32, quad: u32) -> vec4f {
  var row = vec4f();
  for (var lane = 0u; lane < 4u; lane++) {
    if (4u * quad + lane < args.channels) { row[lane] = weights[args.weight + tap * args.channels + 4u * quad + lane]; }
  }
  return row;
}
${eachItem(
  'run.samples * args.resultHeight * args.resultWidth * args.quads',
  `let quad = i % args.quads;
  let pixel = i / args.quads;
  let row = pixel / args.resultWidth;
  let corner = cornerOf(vec2u(row % args.resultHeight, pixel % args.resultWidth));
  var sum = vec4f();
  for (var ky = 0u; ky < args.kernelHeight; ky++) {
    for (var kx = 0u; kx < args.kernelWidth; kx++) {
      let weight = weightsAt(ky * args.kernelWidth + kx, quad);
      sum += weight * sourceAt(row / args.resultHeight, corner, vec2u(ky, kx), quad);
    }
  }
  var value = finished(sum, i);
  if (adds(args.accumulate)) { value += result[i]; }
  result[i] = value;`,
)}`,
})

/** Quads of channels and rows of threads of a workgroup. */
const COLUMNS = 8
const LINES = 8

/** How many quads of channels a workgroup of `depthwiseFilterGradient` covers. */
export const DEPTHWISE_COLUMNS = COLUMNS

/**
 * chunks[chunk, tap, quad] ← Σ window·g over the chunk's rows of pixels; a workgroup's x is its chunk, y its row of taps,
 * z its channels. For `sumChunks`.
 */
export const depthwiseFilterGradient = (kernelWidth: number) => {
  const taps = Array.from({ length: kernelWidth }, (_, kx) => kx)
  return defineKernel({
    name: `depthwiseFilterGradient ${kernelWidth}`,
    buffers: { source: 'read vec4f', gradient: 'read vec4f', chunks: 'write vec4f' },
    args: [
      ...(['height', 'width', 'quads', 'gradientHeight', 'gradientWidth', 'kernelHeight'] as const),
      ...(['stride', 'padding', 'dilation', 'relu', 'rowsPerChunk'] as const),
    ],
    code: `
var<workgroup> partial: array<array<vec4f, ${COLUMNS * LINES}>, ${kernelWidth}>;

@compute @workgroup_size(${COLUMNS * LINES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let quad = group.z * ${COLUMNS}u + thread % ${COLUMNS}u;
  let line = thread / ${COLUMNS}u;
  let rows = run.samples * args.gradientHeight;
  let first = group.x * args.rowsPerChunk;
  let end = min(first + args.rowsPerChunk, rows);
  ${taps.map((kx) => `var sum${kx} = vec4f();`).join('\n')}
  for (var row = first; row < end; row++) {
    if (quad >= args.quads) { continue; }
    let y = i32((row % args.gradientHeight) * args.stride + group.y * args.dilation) - i32(args.padding);
    if (y < 0 || y >= i32(args.height)) { continue; }
    let start = ((row / args.gradientHeight) * args.height + u32(y)) * args.width;
    for (var x = line; x < args.gradientWidth; x += ${LINES}u) {
      let g = gradient[(row * args.gradientWidth + x) * args.quads + quad];
      let corner = i32(x * args.stride) - i32(args.padding);
      ${taps.map((kx) => `sum${kx} += g * sourceAt(start, corner + ${kx} * i32(args.dilation), quad);`).join('\n')}
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
    let tap = (group.x * args.kernelHeight + group.y) * ${kernelWidth}u + kx;
    chunks[tap * args.quads + quad] = partial[kx][thread];
  }
}

fn sourceAt(start: u32, x: i32, quad: u32) -> vec4f {
  if (x < 0 || x >= i32(args.width)) { return vec4f(); }
  let value = source[(start + u32(x)) * args.quads + quad];
  return select(value, vec4f(), (value < vec4f()) & vec4<bool>(args.relu == 1u));
}`,
  })
}

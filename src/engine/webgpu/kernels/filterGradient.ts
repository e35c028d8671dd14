/**
 * Kernels for the gradients of dense filters, ∂L/∂w[tap, c, o] = Σ_pixels patch[pixel, tap, c]·g[pixel, o] with g =
 * ∂L/∂output: a matrix product. The pixels are cut into chunks of fixed size, each of which gives a partial sum;
 * `sumPartials` adds the partial sums up.
 */
import { defineKernel, unrolled } from '../device/kernel.ts'
import { INPUT, INPUT_ARGS, outputGradient } from './readers.ts'
import { FILTER } from './records.ts'

/** Number of pixels whose image patches and output gradients are in workgroup memory at a time. */
const SLICE = 16

/**
 * The part of a filter's gradient that one workgroup computes: `rows` (taps × input channels) × `columns` (output
 * channels), both in groups of four channels. The number of threads is a multiple of the rows, and of the columns.
 */
export interface GradientTile {
  readonly threads: number
  readonly columns: number
  readonly rows: number
}

/**
 * Kernel: computes the partial sums of the gradients of several dense filters, stored for each filter as [chunk of
 * pixels, tap, input channel with padding, group of four output channels]. Workgroup x: chunk; y: tile of rows; z:
 * filter and tile of columns.
 *
 * @param sources number of buffers with node gradients that the kernel binds, see `outputGradient`
 */
export function filterGradient({ threads, columns, rows }: GradientTile, sources: number) {
  const { buffers, code } = outputGradient(sources)
  const lines = threads / columns
  /**
   * Number of rows of the gradient (taps × input channels) that one thread computes, in groups of four input channels.
   */
  const quads = rows / lines
  const each = (text: (k: number) => string, between?: string) => unrolled(4 * quads, text, between)
  return defineKernel<string, string>({
    name: `filterGradient ${columns}×${rows} ${sources}`,
    buffers: {
      ...({ filters: 'read Filter', flags: 'read u32', source: 'read vec4f', partialSums: 'write vec4f' } as const),
      ...({ vectors: 'read vec4f' } as const),
      ...buffers,
    },
    args: [...INPUT_ARGS, 'first', 'tiles'],
    code: `${FILTER}${INPUT}${code}
var<workgroup> windows: array<vec4f, ${SLICE * rows}>;
var<workgroup> factors: array<vec4f, ${SLICE * columns}>;
/** Sample, row and column of each pixel of this slice and of the next. */
var<workgroup> places: array<vec3u, ${2 * SLICE}>;

fn placeOf(window: Filter, pixel: u32) -> vec3u {
  let line = pixel / window.width;
  return vec3u(line / window.height, line % window.height, pixel % window.width);
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let window = filters[args.first + group.z / args.tiles];
  let depth = window.kernelHeight * window.kernelWidth * args.quads;
  let firstColumn = (group.z % args.tiles) * ${columns}u;
  if (flags[window.flag] == 0u || group.x >= window.chunkCount) { return; }
  if (group.y * ${rows}u >= depth || firstColumn >= window.quads) { return; }
  let first = group.x * window.perChunk;
  let end = min(first + window.perChunk, run.samples * window.height * window.width);
  let column = thread % ${columns}u;
  let line = thread / ${columns}u;
  let quad = group.y * ${rows}u + thread % ${rows}u;
  let tapIndex = quad / args.quads;
  let tap = vec2u(tapIndex / window.kernelWidth, tapIndex % window.kernelWidth);
  let own = firstColumn + column; // also the column of all factors that this thread loads
  let form = formOf(window, min(own, window.quads - 1u));
  let affine = affineOf(window, quad % args.quads);
  ${each((k) => `var sum${k} = vec4f();`)}
  if (thread < ${SLICE}u) { places[thread] = placeOf(window, first + thread); }
  workgroupBarrier();
  var side = 0u;
  for (var slice = first; slice < end; slice += ${SLICE}u) {
    for (var p = thread / ${rows}u; p < ${SLICE}u; p += ${threads / rows}u) {
      var value = vec4f();
      if (slice + p < end && quad < depth) { value = inputAt(window, affine, places[side + p], tap, quad % args.quads); }
      windows[p * ${rows}u + thread % ${rows}u] = value;
    }
    for (var i = thread; i < ${SLICE * columns}u; i += ${threads}u) {
      let pixel = slice + i / ${columns}u;
      var value = vec4f();
      if (pixel < end && own < window.quads) { value = gradientOf(window, form, pixel, own); }
      factors[i] = value;
    }
    side = ${SLICE}u - side;
    if (thread < ${SLICE}u) { places[side + thread] = placeOf(window, slice + ${SLICE}u + thread); }
    workgroupBarrier();
    for (var p = 0u; p < ${SLICE}u; p++) {
      let g = factors[p * ${columns}u + column];
      ${unrolled(quads, (q) => `let x${q} = windows[p * ${rows}u + ${q * lines}u + line];`)}
      ${each((k) => `sum${k} += x${k >> 2}[${k & 3}] * g;`)}
    }
    workgroupBarrier();
  }
  if (own >= window.quads) { return; }
  let sums = array(${each((k) => `sum${k}`, ', ')});
  for (var k = 0u; k < ${4 * quads}u; k++) {
    let row = (group.y * ${rows}u + (k / 4u) * ${lines}u + line) * 4u + k % 4u;
    if (row >= depth * 4u) { return; }
    partialSums[window.partialsOffset + (group.x * depth * 4u + row) * window.quads + own] = sums[k];
  }
}`,
  })
}

/**
 * Number of threads in a workgroup of `sumPartials`: the number of quads (four gradient elements) that it computes ×
 * the number of threads that share the partial sums of one quad.
 */
const SUM_THREADS = 64

/**
 * Returns how many threads (lanes) together add up the `chunkCount` partial sums of each four elements of a filter's
 * gradient.
 */
export const lanesFor = (chunkCount: number): number => (chunkCount < 16 ? 1 : 8)

/**
 * Returns how many workgroups `sumPartials` needs for a filter gradient of `rows` × `quads` groups of four elements,
 * with `lanes` threads for each group.
 */
export const sumWorkgroups = (rows: number, quads: number, lanes: number): number =>
  Math.ceil((rows * quads * lanes) / SUM_THREADS)

/**
 * Kernel: adds up the partial sums of the gradients of many filters, gradient[row, column] ← Σ_chunk partialSums[chunk,
 * row, column], and leaves out the rows and columns of padding channels. Workgroup y: filter.
 */
export const sumPartials = defineKernel({
  name: 'sumPartials',
  buffers: { filters: 'read Filter', flags: 'read u32', partialSums: 'read vec4f', gradient: 'write f32' },
  args: ['first'],
  code: `${FILTER}
var<workgroup> parts: array<vec4f, ${SUM_THREADS}>;

@compute @workgroup_size(${SUM_THREADS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let own = filters[args.first + group.y];
  if (flags[own.flag] == 0u) { return; }
  let count = own.rows * own.quads;
  let width = ${SUM_THREADS}u / own.lanes;
  let lane = thread / width;
  for (var first = group.x * width; first < count; first += groups.x * width) {
    let i = first + thread % width;
    var sum = vec4f();
    for (var chunk = lane; chunk < own.chunkCount && i < count; chunk += own.lanes) {
      sum += partialSums[own.groupPartialsOffset + own.partialsOffset + chunk * count + i];
    }
    if (own.lanes > 1u) {
      parts[thread] = sum;
      for (var reach = own.lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if (lane < reach) { parts[thread] += parts[thread + reach * width]; }
      }
      sum = parts[thread];
      workgroupBarrier();
    }
    if (lane == 0u && i < count) { store(own, i, sum); }
  }
}

fn store(own: Filter, i: u32, sum: vec4f) {
  let row = i / own.quads;
  let inner = row % own.storedRows;
  if (inner >= own.denseRows) { return; }
  let start = own.weightOffset + ((row / own.storedRows) * own.denseRows + inner) * own.channels;
  let column = 4u * (i % own.quads);
  for (var lane = 0u; lane < 4u; lane++) {
    if (column + lane < own.channels) { gradient[start + column + lane] = sum[lane]; }
  }
}`,
})

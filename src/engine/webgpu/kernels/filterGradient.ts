/**
 * The gradient wrt dense filters, ∂L/∂w[tap, c, o] = Σ_pixels window[pixel, tap, c]·g[pixel, o]: a matrix product whose
 * reduction over pixels is cut into chunks of fixed size. Each chunk leaves a sum of its own; `sumChunks` adds them up.
 */
import { defineKernel } from '../device/kernel.ts'
import { FILTER, type FilterRecord } from './filter.ts'
import { outputGradient } from './outputGradient.ts'
import { SOURCE, SOURCE_ARGS } from './windows.ts'

/** Pixels of one slice. */
const SLICE = 16
/** How a workgroup cuts rows × output channels, in quads. Threads are a multiple of rows, and of columns. */
export interface GradientTile {
  readonly threads: number
  readonly columns: number
  readonly rows: number
}

/**
 * chunks[chunk, tap, channel as stored, output quad] of each filter; a workgroup's x is its chunk, y its rows, z its
 * filter and column of tiles.
 *
 * @param gradientSources as `outputGradient` takes them
 */
export function filterGradient({ threads, columns, rows }: GradientTile, gradientSources: number) {
  const { buffers, code } = outputGradient(gradientSources)
  const lines = threads / columns
  /** Of rows (tap and input channel) of a thread. */
  const quads = rows / lines
  const each = (text: (k: number) => string, between = '\n') =>
    Array.from({ length: 4 * quads }, (_, k) => text(k)).join(between)
  return defineKernel<string, string>({
    name: `filterGradient ${columns}×${rows} ${gradientSources}`,
    buffers: {
      ...({ filters: 'read Filter', flags: 'read u32', source: 'read vec4f', chunks: 'write vec4f' } as const),
      ...({ vectors: 'read vec4f' } as const),
      ...buffers,
    },
    args: [...SOURCE_ARGS, 'first', 'tiles'],
    code: `${FILTER}${SOURCE}${code}
var<workgroup> windows: array<vec4f, ${SLICE * rows}>;
var<workgroup> factors: array<vec4f, ${SLICE * columns}>;
/** Of each pixel in this slice and the next: its sample, row and column. */
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
  let own = firstColumn + column; // also of all factors that this thread fetches
  let form = formOf(window, min(own, window.quads - 1u));
  let lens = lensOf(window, quad % args.quads);
  ${each((k) => `var sum${k} = vec4f();`)}
  if (thread < ${SLICE}u) { places[thread] = placeOf(window, first + thread); }
  workgroupBarrier();
  var side = 0u;
  for (var slice = first; slice < end; slice += ${SLICE}u) {
    for (var p = thread / ${rows}u; p < ${SLICE}u; p += ${threads / rows}u) {
      var value = vec4f();
      if (slice + p < end && quad < depth) { value = sourceAt(window, lens, places[side + p], tap, quad % args.quads); }
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
      ${Array.from({ length: quads }, (_, q) => `let x${q} = windows[p * ${rows}u + ${q * lines}u + line];`).join('\n')}
      ${each((k) => `sum${k} += x${k >> 2}[${k & 3}] * g;`)}
    }
    workgroupBarrier();
  }
  if (own >= window.quads) { return; }
  let sums = array(${each((k) => `sum${k}`, ', ')});
  for (var k = 0u; k < ${4 * quads}u; k++) {
    let row = (group.y * ${rows}u + (k / 4u) * ${lines}u + line) * 4u + k % 4u;
    if (row >= depth * 4u) { return; }
    chunks[window.chunks + (group.x * depth * 4u + row) * window.quads + own] = sums[k];
  }
}`,
  })
}

/** Threads of a workgroup that adds up chunks: numbers side by side × lanes that share the chunks of one. */
const SUM_THREADS = 64

/** How many lanes pay for so many chunks. */
export const lanesFor = (chunkCount: number): number => (chunkCount < 16 ? 1 : 8)

/** How many workgroups of `sumChunks` a filter's gradient is worth. */
export const sumGroups = ({ rows, quads, lanes }: Pick<FilterRecord, 'rows' | 'quads' | 'lanes'>): number =>
  Math.ceil((rows * quads * lanes) / SUM_THREADS)

/**
 * gradient[row, column] ← Σ_chunk chunks[chunk, row, column] of many filters, without the rows and columns that only fill
 * up the storage. A workgroup's y is its filter.
 */
export const sumChunks = defineKernel({
  name: 'sumChunks',
  buffers: { filters: 'read Filter', flags: 'read u32', chunks: 'read vec4f', gradient: 'write f32' },
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
      sum += chunks[own.groupChunks + own.chunks + chunk * count + i];
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
  let start = own.weight + ((row / own.storedRows) * own.denseRows + inner) * own.channels;
  let column = 4u * (i % own.quads);
  for (var lane = 0u; lane < 4u; lane++) {
    if (column + lane < own.channels) { gradient[start + column + lane] = sum[lane]; }
  }
}`,
})

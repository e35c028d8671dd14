/**
 * The gradient wrt a dense filter, ∂L/∂w[tap, c, o] = Σ_pixels window[pixel, tap, c]·g[pixel, o]: a matrix product whose
 * reduction over pixels is cut into chunks of fixed size. Each chunk leaves a sum of its own; `sumChunks` adds them up.
 */
import { defineKernel } from '../kernel.ts'

/** Pixels of one slice. */
const SLICE = 16
/** Quads of rows (tap and input channel) of a thread. */
const QUADS = 2

/** How a workgroup cuts rows × output channels, in quads. */
export interface GradientTile {
  readonly threads: number
  readonly columns: number
  readonly rows: number
}

/** The tile for so many quads of output channels. */
export function gradientTileFor(quads: number): GradientTile {
  const columns = quads <= 4 ? 4 : quads <= 8 ? 8 : 16
  const threads = columns === 4 ? 64 : 128
  return { threads, columns, rows: (threads / columns) * QUADS }
}

/** chunks[chunk, tap, channel as stored, output quad]; a workgroup's x is its chunk, y its rows, z its columns. */
export function filterGradient(columns: number) {
  const tile = gradientTileFor(columns)
  const { threads, rows } = tile
  const lines = threads / columns
  const each = (text: (k: number) => string, between = '\n') =>
    Array.from({ length: 4 * QUADS }, (_, k) => text(k)).join(between)
  return defineKernel({
    name: `filterGradient ${columns}`,
    buffers: { source: 'read vec4f', gradient: 'read vec4f', chunks: 'write vec4f' },
    args: [
      ...(['height', 'width', 'quads', 'gradientHeight', 'gradientWidth', 'gradientQuads'] as const),
      ...(['kernelHeight', 'kernelWidth', 'stride', 'padding', 'dilation', 'relu', 'pixelsPerChunk'] as const),
    ],
    code: `
var<workgroup> windows: array<vec4f, ${SLICE * rows}>;
var<workgroup> gradients: array<vec4f, ${SLICE * columns}>;
/** Of each pixel in this slice and the next: sample, then row and column of the window's corner; −1: none. */
var<workgroup> places: array<vec3i, ${2 * SLICE}>;

fn placeOf(pixel: u32, end: u32) -> vec3i {
  if (pixel >= end) { return vec3i(-1, 0, 0); }
  let area = args.gradientHeight * args.gradientWidth;
  let place = vec2u((pixel % area) / args.gradientWidth, pixel % args.gradientWidth);
  return vec3i(i32(pixel / area), vec2i(place * args.stride) - i32(args.padding));
}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let pixels = run.samples * args.gradientHeight * args.gradientWidth;
  let first = group.x * args.pixelsPerChunk;
  let end = min(first + args.pixelsPerChunk, pixels);
  let firstColumn = group.z * ${columns}u;
  let column = thread % ${columns}u;
  let line = thread / ${columns}u;
  let depth = args.kernelHeight * args.kernelWidth * args.quads;
  let quad = group.y * ${rows}u + thread % ${rows}u;
  let tapIndex = quad / args.quads;
  let tap = vec2i(vec2u(tapIndex / args.kernelWidth, tapIndex % args.kernelWidth) * args.dilation);
  ${each((k) => `var sum${k} = vec4f();`)}
  if (thread < ${SLICE}u) { places[thread] = placeOf(first + thread, end); }
  workgroupBarrier();
  var side = 0u;
  for (var slice = first; slice < end; slice += ${SLICE}u) {
    for (var p = thread / ${rows}u; p < ${SLICE}u; p += ${threads / rows}u) {
      let place = places[side + p];
      let at = vec2u(place.yz + tap);
      var value = vec4f();
      if (place.x >= 0 && quad < depth && at.x < args.height && at.y < args.width) {
        value = source[((u32(place.x) * args.height + at.x) * args.width + at.y) * args.quads + quad % args.quads];
      }
      windows[p * ${rows}u + thread % ${rows}u] = select(value, vec4f(), (value < vec4f()) & vec4<bool>(args.relu == 1u));
    }
    for (var i = thread; i < ${SLICE * columns}u; i += ${threads}u) {
      let pixel = slice + i / ${columns}u;
      let own = firstColumn + i % ${columns}u;
      var value = vec4f();
      if (pixel < end && own < args.gradientQuads) { value = gradient[pixel * args.gradientQuads + own]; }
      gradients[i] = value;
    }
    side = ${SLICE}u - side;
    if (thread < ${SLICE}u) { places[side + thread] = placeOf(slice + ${SLICE}u + thread, end); }
    workgroupBarrier();
    for (var p = 0u; p < ${SLICE}u; p++) {
      let g = gradients[p * ${columns}u + column];
      ${Array.from({ length: QUADS }, (_, q) => `let x${q} = windows[p * ${rows}u + ${q * lines}u + line];`).join('\n')}
      ${each((k) => `sum${k} += x${k >> 2}[${k & 3}] * g;`)}
    }
    workgroupBarrier();
  }
  if (firstColumn + column >= args.gradientQuads) { return; }
  let sums = array(${each((k) => `sum${k}`, ', ')});
  for (var k = 0u; k < ${4 * QUADS}u; k++) {
    let row = (group.y * ${rows}u + (k / 4u) * ${lines}u + line) * 4u + k % 4u;
    if (row >= depth * 4u) { return; }
    chunks[(group.x * depth * 4u + row) * args.gradientQuads + firstColumn + column] = sums[k];
  }
}`,
  })
}

/** Threads of a workgroup that adds up chunks: numbers side by side × lanes that share the chunks of one. */
const SUM_THREADS = 64

/** How many lanes pay for so many chunks. */
export const lanesFor = (chunkCount: number): number => (chunkCount < 16 ? 1 : 8)

/**
 * gradient[row, column] ← Σ_chunk chunks[chunk, row, column], without the rows and columns that only fill up the
 * storage: of every `storedRows` rows the first `denseRows` are real, of the columns the first `columns`.
 */
export const sumChunks = defineKernel({
  name: 'sumChunks',
  buffers: { chunks: 'read vec4f', gradient: 'write f32' },
  args: ['chunkCount', 'lanes', 'rows', 'storedRows', 'denseRows', 'quads', 'columns', 'parameter'],
  code: `
var<workgroup> parts: array<vec4f, ${SUM_THREADS}>;

@compute @workgroup_size(${SUM_THREADS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let count = args.rows * args.quads;
  let width = ${SUM_THREADS}u / args.lanes;
  let lane = thread / width;
  for (var first = group.x * width; first < count; first += groups.x * width) {
    let i = first + thread % width;
    var sum = vec4f();
    for (var chunk = lane; chunk < args.chunkCount && i < count; chunk += args.lanes) { sum += chunks[chunk * count + i]; }
    if (args.lanes > 1u) {
      parts[thread] = sum;
      for (var reach = args.lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if (lane < reach) { parts[thread] += parts[thread + reach * width]; }
      }
      sum = parts[thread];
      workgroupBarrier();
    }
    if (lane == 0u && i < count) { store(i, sum); }
  }
}

fn store(i: u32, sum: vec4f) {
  let row = i / args.quads;
  let inner = row % args.storedRows;
  if (inner >= args.denseRows) { return; }
  let start = args.parameter + ((row / args.storedRows) * args.denseRows + inner) * args.columns;
  let column = 4u * (i % args.quads);
  for (var lane = 0u; lane < 4u; lane++) {
    if (column + lane < args.columns) { gradient[start + column + lane] = sum[lane]; }
  }
}`,
})

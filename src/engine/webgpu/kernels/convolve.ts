/**
 * Dense convolutions as one matrix product over patches that are gathered on the way, forward and transposed:
 *
 *   forward      result[y, x, o] = Σ_{tap, c} source[y·stride + ky·dilation − padding, …, c]·w[tap, c, o]
 *   transposed   result[y, x, c] = Σ_{tap, o} source[(y + padding − ky·dilation) / stride, …, o]·w[tap, c, o]
 *
 * where the quotient is whole. A workgroup makes a tile of pixels × channels from slices of both factors that it keeps
 * in its shared memory, a thread eight pixels of four channels.
 */
import { ADDS, defineKernel } from '../kernel.ts'
import { GEOMETRY } from './windows.ts'

/** Pixels of a thread. */
const PIXELS = 8
/** Quads of the reduction in one slice. */
const SLICE = 4

/** How a workgroup cuts pixels × channels. */
export interface Tile {
  readonly threads: number
  /** Quads of channels. */
  readonly columns: number
  readonly pixels: number
}

/** The tile for so many quads of channels. */
export function tileFor(quads: number): Tile {
  const columns = quads <= 4 ? 4 : quads <= 8 ? 8 : 16
  const threads = columns === 4 ? 64 : 128
  return { threads, columns, pixels: (threads / columns) * PIXELS }
}

const ARGS = [
  ...['height', 'width', 'quads', 'resultHeight', 'resultWidth', 'resultQuads'],
  ...['kernelHeight', 'kernelWidth', 'stride', 'padding', 'dilation'],
  ...['weight', 'inputs', 'outputs', 'transposed', 'relu', 'accumulate'],
] as const

/**
 * With `relu` 1, forward sends the source through ReLU, transposed the result through the mask that `image` gives.
 *
 * @param columns of the tile
 */
export const convolve = (columns: number) =>
  defineKernel({
    name: `convolve ${columns}`,
    buffers: { source: 'read vec4f', weights: 'read f32', image: 'read vec4f', result: 'write vec4f' },
    args: ARGS,
    code: `${GEOMETRY}${WEIGHTS}${ADDS}${product(columns)}`,
  })

/** WGSL: the filter's numbers for a channel that it sums over. */
const WEIGHTS = `
/** Of four columns: w[tap, channel, column …], or transposed w[tap, column …, channel]. */
fn weightsAt(tap: u32, channel: u32, column: u32) -> vec4f {
  var row = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let other = 4u * column + i;
    let input = select(channel, other, args.transposed == 1u);
    let output = select(other, channel, args.transposed == 1u);
    if (input < args.inputs && output < args.outputs) {
      row[i] = weights[args.weight + (tap * args.inputs + input) * args.outputs + output];
    }
  }
  return row;
}`

function product(columns: number): string {
  const { threads, pixels } = tileFor(columns)
  const rows = threads / columns
  /** Pixels whose patches one thread gathers, a quad of each slice. */
  const gathered = (pixels * SLICE) / threads
  const each = (text: (p: number) => string, between = '\n') =>
    Array.from({ length: PIXELS }, (_, p) => text(p)).join(between)
  return `
var<workgroup> windows: array<vec4f, ${SLICE * (pixels + 1)}>;
var<workgroup> panel: array<vec4f, ${SLICE * 4 * columns}>;

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let area = args.resultHeight * args.resultWidth;
  let pixels = run.samples * area;
  let first = (group.y * groups.x + group.x) * ${pixels}u;
  if (first >= pixels) { return; }
  let firstColumn = group.z * ${columns}u;
  let column = thread % ${columns}u;
  let row = thread / ${columns}u;
  var sampleOf: array<u32, ${gathered}>;
  var cornersOf: array<vec2i, ${gathered}>;
  for (var g = 0u; g < ${gathered}u; g++) {
    let pixel = min(first + thread / ${SLICE}u + g * ${threads / SLICE}u, pixels - 1u);
    sampleOf[g] = pixel / area;
    let place = pixel % area;
    cornersOf[g] = cornerOf(vec2u(place / args.resultWidth, place % args.resultWidth));
  }
  ${each((p) => `var sum${p} = vec4f();`)}
  let depth = args.kernelHeight * args.kernelWidth * args.quads;
  for (var slice = 0u; slice < depth; slice += ${SLICE}u) {
    let own = slice + thread % ${SLICE}u;
    let ownTap = own / args.quads;
    let tap = vec2u(ownTap / args.kernelWidth, ownTap % args.kernelWidth);
    for (var g = 0u; g < ${gathered}u; g++) {
      var value = vec4f();
      if (own < depth) { value = sourceAt(sampleOf[g], cornersOf[g], tap, own % args.quads); }
      windows[(thread % ${SLICE}u) * ${pixels + 1}u + thread / ${SLICE}u + g * ${threads / SLICE}u] = value;
    }
    for (var i = thread; i < ${SLICE * 4 * columns}u; i += ${threads}u) {
      let line = slice * 4u + i / ${columns}u;
      let quad = line / 4u;
      var value = vec4f();
      if (quad < depth) {
        let channel = (quad % args.quads) * 4u + line % 4u;
        value = weightsAt(quad / args.quads, channel, firstColumn + i % ${columns}u);
      }
      panel[i] = value;
    }
    workgroupBarrier();
    for (var q = 0u; q < ${SLICE}u; q++) {
      let w0 = panel[(q * 4u) * ${columns}u + column];
      let w1 = panel[(q * 4u + 1u) * ${columns}u + column];
      let w2 = panel[(q * 4u + 2u) * ${columns}u + column];
      let w3 = panel[(q * 4u + 3u) * ${columns}u + column];
      let at = q * ${pixels + 1}u + row;
      ${each((p) => `{ let x = windows[at + ${p * rows}u]; sum${p} += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3; }`)}
    }
    workgroupBarrier();
  }
  if (firstColumn + column >= args.resultQuads) { return; }
  let sums = array(${each((p) => `sum${p}`, ', ')});
  for (var p = 0u; p < ${PIXELS}u; p++) {
    let pixel = first + p * ${rows}u + row;
    if (pixel >= pixels) { return; }
    let at = pixel * args.resultQuads + firstColumn + column;
    var value = finished(sums[p], at);
    if (adds(args.accumulate)) { value += result[at]; }
    result[at] = value;
  }
}
`
}

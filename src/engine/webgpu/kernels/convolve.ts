/**
 * Dense convolutions as matrix products over patches that are gathered on the way, of several filters f at once:
 *
 *   forward      result_f[y, x, o] = Σ_{tap, c} source[y·stride + ky·dilation − padding, …, c]·w_f[tap, c, o]
 *   transposed   result[y, x, c] = Σ_f Σ_{tap, o} gradient_f[(y + padding − ky·dilation) / stride, …, o]·w_f[tap, c, o]
 *
 * where the quotient is whole. A workgroup makes a tile of pixels × channels from slices of both factors that it keeps
 * in its shared memory, a thread eight pixels of four channels.
 */
import { ADDS, defineKernel } from '../kernel.ts'
import { FILTER } from './filter.ts'
import { outputGradient } from './outputGradient.ts'
import { collectMoments, rowSum } from './tileMoments.ts'
import { GRADIENT, LENS, SOURCE, SOURCE_ARGS } from './windows.ts'

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

/**
 * result_f of each filter, beside each other in `results`, and its moments by tile where they are wanted (see `SOURCE` for
 * what they read). A workgroup's x is its filter and column of tiles.
 *
 * @param columns of the tile
 */
export const convolve = (columns: number) => {
  const tile = { ...tileFor(columns), pixels: PIXELS }
  return defineKernel({
    name: `convolve ${columns}`,
    buffers: {
      filters: 'read Filter',
      flags: 'read u32',
      weights: 'read f32',
      vectors: 'read vec4f',
      source: 'read vec4f',
      results: 'write vec4f',
      moments: 'write vec4f',
    },
    args: [...SOURCE_ARGS, 'first', 'tiles', 'inputs'],
    code: `${FILTER}${SOURCE}${rowSum(tile, 'windows')}
/** Of four columns: w[tap, channel, column …]. */
fn weightsAt(window: Filter, tap: u32, channel: u32, column: u32) -> vec4f {
  var row = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let output = 4u * column + i;
    if (channel < args.inputs && output < window.channels) {
      row[i] = weights[window.weight + (tap * args.inputs + channel) * window.channels + output];
    }
  }
  return row;
}
${product(columns, {
  begin: `
  let begin = args.first + group.x / args.tiles;
  let end = begin + 1u;
  let own = filters[begin];
  if (flags[own.flag] == 0u) { return; }
  let extent = vec3u(own.height, own.width, own.quads);`,
  reduced: 'args.quads',
  prepare: 'let lens = lensOf(window, own % reduced);',
  factor: 'sourceAt(window, lens, places[g], tap, own % reduced)',
  finish: collectMoments(tile),
  store: 'results[own.plane + at] = sums[p];',
})}`,
  })
}

/**
 * The gradient wrt what several filters read, to which each adds; `masked` where they read an image through ReLU, and
 * perhaps a lens. Of every `count` filters the sum is one result; a workgroup's x is its result and column of tiles.
 *
 * @param columns of the tile
 * @param givers as `outputGradient` takes them
 */
export const convolveBack = (columns: number, masked: boolean, givers: number) => {
  const { buffers, code } = outputGradient(givers)
  return defineKernel<string, string>({
    name: `convolveBack ${columns} ${masked ? 'masked' : 'plain'} ${givers}`,
    buffers: {
      ...({ filters: 'read Filter', flags: 'read u32', weights: 'read f32', result: 'write vec4f' } as const),
      ...(masked && ({ image: 'read vec4f', vectors: 'read vec4f' } as const)),
      ...buffers,
    },
    args: ['first', 'count', 'tiles', 'height', 'width', 'quads', 'inputs', 'accumulate'],
    code: `${FILTER}${code}${GRADIENT}${ADDS}${masked ? LENS : ''}
/** Of four columns: w[tap, column …, channel]. */
fn weightsAt(window: Filter, tap: u32, channel: u32, column: u32) -> vec4f {
  var row = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let input = 4u * column + i;
    if (input < args.inputs && channel < window.channels) {
      row[i] = weights[window.weight + (tap * args.inputs + input) * window.channels + channel];
    }
  }
  return row;
}
${product(columns, {
  begin: `
  let begin = args.first + (group.x / args.tiles) * args.count;
  let end = begin + args.count;
  let head = filters[begin];
  let extent = vec3u(args.height, args.width, args.quads);`,
  reduced: 'window.quads',
  prepare: 'let form = formOf(window, own % reduced);',
  factor: 'gradientAt(window, form, places[g], tap, own % reduced)',
  finish: masked ? 'let lens = lensOf(head, min(firstColumn + column, args.quads - 1u));' : '',
  store: `
    var value = ${masked ? 'select(vec4f(), sums[p], lens.scale * image[head.source + at] + lens.shift > vec4f())' : 'sums[p]'};
    let goal = head.goal + at;
    if (adds(args.accumulate)) { value += result[goal]; }
    result[goal] = value;`,
})}`,
  })
}

/** What the directions differ in, in WGSL. */
interface Direction {
  /** Sets `begin` and `end`, the filters that are added up, and `extent`, the height, width and quads of the result. */
  readonly begin: string
  /** Quads of channels that are summed over. */
  readonly reduced: string
  /** What the left factor needs to know once a slice, and the factor itself. */
  readonly prepare: string
  readonly factor: string
  /** What the workgroup does with all its `sums`. */
  readonly finish: string
  /** Puts `sums[p]` in its place, `at`. */
  readonly store: string
}

function product(columns: number, { begin, reduced, prepare, factor, finish, store }: Direction): string {
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
  ${begin}
  let pixels = run.samples * extent.x * extent.y;
  let first = (group.z * groups.y + group.y) * ${pixels}u;
  let firstColumn = (group.x % args.tiles) * ${columns}u;
  if (first >= pixels || firstColumn >= extent.z) { return; }
  let column = thread % ${columns}u;
  let row = thread / ${columns}u;
  var places: array<vec3u, ${gathered}>;
  for (var g = 0u; g < ${gathered}u; g++) {
    let pixel = min(first + thread / ${SLICE}u + g * ${threads / SLICE}u, pixels - 1u);
    let line = pixel / extent.y;
    places[g] = vec3u(line / extent.x, line % extent.x, pixel % extent.y);
  }
  ${each((p) => `var sum${p} = vec4f();`)}
  for (var f = begin; f < end; f++) {
    let window = filters[f];
    if (flags[window.flag] == 0u) { continue; }
    let reduced = ${reduced};
    let depth = window.kernelHeight * window.kernelWidth * reduced;
    for (var slice = 0u; slice < depth; slice += ${SLICE}u) {
      let own = slice + thread % ${SLICE}u;
      let ownTap = own / reduced;
      let tap = vec2u(ownTap / window.kernelWidth, ownTap % window.kernelWidth);
      ${prepare}
      for (var g = 0u; g < ${gathered}u; g++) {
        var value = vec4f();
        if (own < depth) { value = ${factor}; }
        windows[(thread % ${SLICE}u) * ${pixels + 1}u + thread / ${SLICE}u + g * ${threads / SLICE}u] = value;
      }
      for (var i = thread; i < ${SLICE * 4 * columns}u; i += ${threads}u) {
        let line = slice * 4u + i / ${columns}u;
        let quad = line / 4u;
        var value = vec4f();
        if (quad < depth) {
          let channel = (quad % reduced) * 4u + line % 4u;
          value = weightsAt(window, quad / reduced, channel, firstColumn + i % ${columns}u);
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
  }
  let sums = array(${each((p) => `sum${p}`, ', ')});
  ${finish}
  if (firstColumn + column >= extent.z) { return; }
  for (var p = 0u; p < ${PIXELS}u; p++) {
    let pixel = first + p * ${rows}u + row;
    if (pixel >= pixels) { return; }
    let at = pixel * extent.z + firstColumn + column;
    ${store}
  }
}
`
}

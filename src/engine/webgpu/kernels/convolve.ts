/**
 * Dense convolutions of several filters f in one dispatch, as matrix products whose left factor (the image patches) is
 * never stored as a whole, but gathered slice by slice during the multiplication:
 *
 *   forward      result_f[y, x, o] = Σ_{tap, c} source[y·stride + ky·dilation − padding, …, c]·w_f[tap, c, o]
 *   transposed   result[y, x, c] = Σ_f Σ_{tap, o} gradient_f[(y + padding − ky·dilation) / stride, …, o]·w_f[tap, c, o]
 *
 * A tap (ky, kx) is a cell of the filter's window, c an input channel, o an output channel. The second sum is over the
 * taps for which the quotient is an integer.
 */
import { ADDS, defineKernel, unrolled } from '../device/kernel.ts'
import { AFFINE, GRADIENT, INPUT, INPUT_ARGS, outputGradient } from './readers.ts'
import { FILTER } from './records.ts'

/**
 * Length of the slice of the summed dimension (taps × channels) that is in workgroup memory at a time, in groups of
 * four channels.
 */
const SLICE = 4
/**
 * Number of unused elements between rows of the workgroup array `windows`; they make neighbouring threads write to
 * different memory banks.
 */
const GAP = 2

/** The part of a convolution's result (pixels × channels) that one workgroup computes. */
export interface Tile {
  /** Number of threads of the workgroup that computes the tile; a multiple of `SLICE`. */
  readonly threads: number
  /** Width of the tile: its number of channels divided by four. */
  readonly columns: number
  /** Number of pixels of the tile that each thread computes. */
  readonly each: number
  /** Height of the tile: its number of pixels, which all threads together compute. */
  readonly pixels: number
}

/**
 * Kernel: computes the outputs of several dense filters, each at its offset in `results`. For outputs that are
 * batch-normalised it also stores the mean of every tile and the sum of squared deviations from that mean, by channel.
 * Workgroup x: filter and column of tiles; y and z: tile of pixels.
 */
export const convolve = (tile: Tile) =>
  defineKernel({
    name: `convolve ${tile.columns}`,
    buffers: {
      filters: 'read Filter',
      flags: 'read u32',
      weights: 'read f32',
      vectors: 'read vec4f',
      source: 'read vec4f',
      results: 'write vec4f',
      moments: 'write vec4f',
    },
    args: [...INPUT_ARGS, 'first', 'tiles', 'inputs'],
    code: `${FILTER}${INPUT}${rowSum(tile, 'windows')}
/** The weights of four output channels for one tap and input channel. */
fn weightsAt(window: Filter, tap: u32, channel: u32, column: u32) -> vec4f {
  var row = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let output = 4u * column + i;
    if (channel < args.inputs && output < window.channels) {
      row[i] = weights[window.weightOffset + (tap * args.inputs + channel) * window.channels + output];
    }
  }
  return row;
}
${product(tile, {
  begin: `
  let begin = args.first + group.x / args.tiles;
  let end = begin + 1u;
  let own = filters[begin];
  if (flags[own.flag] == 0u) { return; }
  let extent = vec3u(own.height, own.width, own.quads);`,
  reduced: 'args.quads',
  prepare: 'let affine = affineOf(window, own % reduced);',
  factor: 'inputAt(window, affine, places[g], tap, own % reduced)',
  finish: collectMoments(tile),
  store: 'results[own.outputOffset + at] = sums[p];',
})}`,
  })

/**
 * Kernel: computes gradients with respect to the inputs of dense filters. Every `count` consecutive filters read the
 * same input, and their gradients are summed into one result. Workgroup x: result and column of tiles; y and z: tile of
 * pixels.
 *
 * @param masked whether the filters apply ReLU to their input, so that the result is 0 where the input is not positive
 * @param sources number of buffers with node gradients that the kernel binds, see `outputGradient`
 */
export const convolveBack = (tile: Tile, masked: boolean, sources: number) => {
  const { buffers, code } = outputGradient(sources)
  return defineKernel<string, string>({
    name: `convolveBack ${tile.columns}×${tile.each} ${masked ? 'masked' : 'plain'} ${sources}`,
    buffers: {
      ...({ filters: 'read Filter', flags: 'read u32', weights: 'read f32', result: 'write vec4f' } as const),
      ...(masked && ({ image: 'read vec4f', vectors: 'read vec4f' } as const)),
      ...buffers,
    },
    args: ['first', 'count', 'tiles', 'height', 'width', 'quads', 'inputs', 'accumulate'],
    code: `${FILTER}${code}${GRADIENT}${ADDS}${masked ? AFFINE : ''}
/** The weights of four input channels for one tap and output channel. */
fn weightsAt(window: Filter, tap: u32, channel: u32, column: u32) -> vec4f {
  var row = vec4f();
  for (var i = 0u; i < 4u; i++) {
    let input = 4u * column + i;
    if (input < args.inputs && channel < window.channels) {
      row[i] = weights[window.weightOffset + (tap * args.inputs + input) * window.channels + channel];
    }
  }
  return row;
}
${product(tile, {
  begin: `
  let begin = args.first + (group.x / args.tiles) * args.count;
  let end = begin + args.count;
  let head = filters[begin];
  let extent = vec3u(args.height, args.width, args.quads);`,
  reduced: 'window.quads',
  prepare: 'let form = formOf(window, own % reduced);',
  factor: 'gradientAt(window, form, places[g], tap, own % reduced)',
  finish: masked ? 'let affine = affineOf(head, min(firstColumn + column, args.quads - 1u));' : '',
  store: `
    var value = ${masked ? 'select(vec4f(), sums[p], affine.scale * image[head.inputOffset + at] + affine.shift > vec4f())' : 'sums[p]'};
    let slot = head.inputGradientOffset + at;
    if (adds(args.accumulate)) { value += result[slot]; }
    result[slot] = value;`,
})}`,
  })
}

/** The pieces of WGSL code in which the convolution kernel and the kernel of its input gradient differ. */
interface Direction {
  /**
   * WGSL that defines `begin` and `end`, the index range of the filters to sum over, and `extent`: height, width and
   * quads (groups of four channels) of the result.
   */
  readonly begin: string
  /** WGSL expression: the number of channel groups (four channels each) over which the matrix product sums per tap. */
  readonly reduced: string
  /** WGSL that defines the variables that `factor` uses; it runs once for each slice of the summed dimension. */
  readonly prepare: string
  /**
   * WGSL expression: the left factor of the matrix product, four channels of one pixel at one cell (tap) of the window.
   */
  readonly factor: string
  /** WGSL that runs after all sums of the workgroup's tile are complete. */
  readonly finish: string
  /** WGSL that stores the thread's sum number `p`, `sums[p]`, at index `at` of the result. */
  readonly store: string
}

/**
 * Returns the WGSL of a convolution as a matrix product. A workgroup computes one tile of pixels × channels. It loads
 * both factors slice by slice into workgroup memory: `windows` (patches of the image) and `panel` (weights).
 */
function product(
  { threads, columns, each, pixels }: Tile,
  { begin, reduced, prepare, factor, finish, store }: Direction,
): string {
  const rows = threads / columns
  const stride = pixels + GAP
  /** Number of pixels of which one thread loads four channels per slice; the last pixel may lie outside the tile. */
  const gathered = Math.ceil((pixels * SLICE) / threads)
  const isEven = gathered * threads === pixels * SLICE
  return `
var<workgroup> windows: array<vec4f, ${SLICE * stride}>;
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
  ${unrolled(each, (p) => `var sum${p} = vec4f();`)}
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
        let pixel = thread / ${SLICE}u + g * ${threads / SLICE}u;
        ${isEven ? '' : `if (pixel < ${pixels}u) `}{ windows[(thread % ${SLICE}u) * ${stride}u + pixel] = value; }
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
        let at = q * ${stride}u + row;
        ${unrolled(each, (p) => `{ let x = windows[at + ${p * rows}u]; sum${p} += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3; }`)}
      }
      workgroupBarrier();
    }
  }
  let sums = array(${unrolled(each, (p) => `sum${p}`, ', ')});
  ${finish}
  if (firstColumn + column >= extent.z) { return; }
  for (var p = 0u; p < ${each}u; p++) {
    let pixel = first + p * ${rows}u + row;
    if (pixel >= pixels) { return; }
    let at = pixel * extent.z + firstColumn + column;
    ${store}
  }
}
`
}

/**
 * Returns the WGSL function `rowSum(thread, own)`, which returns the sum of `own` over all threads of a tile that
 * compute the same channels. Their number (threads / columns) must be a power of two.
 *
 * @param memory name of an array in workgroup memory that the sum may overwrite
 */
const rowSum = ({ threads, columns }: Tile, memory: string): string => `
fn rowSum(thread: u32, own: vec4f) -> vec4f {
  workgroupBarrier();
  ${memory}[thread] = own;
  for (var reach = ${threads / 2}u; reach >= ${columns}u; reach /= 2u) {
    workgroupBarrier();
    if (thread < reach) { ${memory}[thread] += ${memory}[thread + reach]; }
  }
  workgroupBarrier();
  return ${memory}[thread % ${columns}u];
}`

/**
 * Returns the WGSL that computes and stores the batch-norm moments of one tile of a convolution's output, while the
 * output is still in registers: the mean of each channel over the pixels of the tile, and the sum of squared distances
 * from that mean. Taking distances from the tile's mean keeps the sum exact where the mean is large. Must stand in
 * uniform control flow.
 */
function collectMoments({ threads, columns, each, pixels }: Tile): string {
  const rows = threads / columns
  const overPixels = (body: string) => `
    for (var p = 0u; p < ${each}u; p++) {
      if (first + p * ${rows}u + row < pixels) { ${body} }
    }`
  return `
  if (own.moments != NONE && (own.tracked == 0u || run.mode != 2u)) {
    var sum = vec4f();
    ${overPixels('sum += sums[p];')}
    let mean = rowSum(thread, sum) / f32(min(${pixels}u, pixels - first));
    var squares = vec4f();
    ${overPixels('squares += (sums[p] - mean) * (sums[p] - mean);')}
    squares = rowSum(thread, squares);
    if (row == 0u && firstColumn + column < extent.z) {
      let at = own.moments + (first / ${pixels}u) * 2u * extent.z + firstColumn + column;
      moments[at] = mean;
      moments[at + extent.z] = squares;
    }
  }`
}

/**
 * Dense convolutions as matrix products over patches that are gathered on the way, of several filters f at once:
 *
 *   forward      result_f[y, x, o] = Σ_{tap, c} source[y·stride + ky·dilation − padding, …, c]·w_f[tap, c, o]
 *   transposed   result[y, x, c] = Σ_f Σ_{tap, o} gradient_f[(y + padding − ky·dilation) / stride, …, o]·w_f[tap, c, o]
 *
 * where the quotient is whole.
 */
import { ADDS, defineKernel } from '../device/kernel.ts'
import { FILTER } from './filter.ts'
import { outputGradient } from './outputGradient.ts'
import { product, type Tile } from './product.ts'
import { collectMoments, rowSum } from './tileMoments.ts'
import { GRADIENT, LENS, SOURCE, SOURCE_ARGS } from './windows.ts'

/**
 * result_f of each filter, beside each other in `results`, and its moments by tile where they are wanted (see `SOURCE` for
 * what they read). A workgroup's x is its filter and column of tiles.
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
${product(tile, {
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

/**
 * The gradient wrt what several filters read, to which each adds; `masked` where they read an image through ReLU, and
 * perhaps a lens. Of every `count` filters the sum is one result; a workgroup's x is its result and column of tiles.
 *
 * @param gradientSources as `outputGradient` takes them
 */
export const convolveBack = (tile: Tile, masked: boolean, gradientSources: number) => {
  const { buffers, code } = outputGradient(gradientSources)
  return defineKernel<string, string>({
    name: `convolveBack ${tile.columns}×${tile.each} ${masked ? 'masked' : 'plain'} ${gradientSources}`,
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
${product(tile, {
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
    let slot = head.targetOffset + at;
    if (adds(args.accumulate)) { value += result[slot]; }
    result[slot] = value;`,
})}`,
  })
}

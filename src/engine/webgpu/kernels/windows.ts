/**
 * Sliding windows as dense and depthwise convolutions use them. `place` is a sample with a row and a column; `tap`, the
 * row and column of a window's cell.
 */
import { rowOf } from './term.ts'

/** The arguments that `SOURCE` reads. */
export const SOURCE_ARGS = ['height', 'width', 'quads', 'relu'] as const

/** WGSL: what normalises what a filter reads, where a term's rows do (see `norm.ts`). */
export const LENS = `
struct Lens { scale: vec4f, shift: vec4f }
fn lensOf(window: Filter, quad: u32) -> Lens {
  if (window.normPlus1 == 0u) { return Lens(vec4f(1.0), vec4f()); }
  let at = window.normPlus1 - 1u + quad;
  return Lens(vectors[at + ${rowOf('scale')}], vectors[at + ${rowOf('shift')}]);
}`

/**
 * WGSL: what the window of the output at `place` sees of the source through a lens, and through ReLU where `args.relu` is
 * 1. The source ends in zeros.
 */
export const SOURCE = `${LENS}
fn sourceAt(window: Filter, lens: Lens, place: vec3u, tap: vec2u, quad: u32) -> vec4f {
  let at = place.yz * window.stride + tap * window.dilation - window.padding; // before the edge: very large
  if (at.x >= args.height || at.y >= args.width) { return vec4f(); }
  let pixel = (place.x * args.height + at.x) * args.width + at.y;
  let value = lens.scale * source[window.source + pixel * args.quads + quad] + lens.shift;
  return select(value, vec4f(), (value < vec4f()) & vec4<bool>(args.relu == 1u));
}`

/**
 * WGSL: the gradient wrt the output whose window sees the source at `place` by its cell `tap`; 0 where there is none. For
 * kernels with an `outputGradient`.
 */
export const GRADIENT = `
fn gradientAt(window: Filter, form: Form, place: vec3u, tap: vec2u, quad: u32) -> vec4f {
  let reach = place.yz + window.padding - tap * window.dilation; // before the edge: very large
  var at = reach;
  if (window.stride > 1u) { // a division is twenty instructions
    at = reach / window.stride;
    if (any(at * window.stride != reach)) { return vec4f(); }
  }
  if (at.x >= window.height || at.y >= window.width) { return vec4f(); }
  return gradientOf(window, form, (place.x * window.height + at.x) * window.width + at.y, quad);
}`

/**
 * Sliding windows as dense and depthwise convolutions use them. `place` is a sample with a row and a column; `tap`, the
 * row and column of a window's cell.
 */

/**
 * WGSL: what the window of the output at `place` sees of the source, whose extent is in `args`; through ReLU where
 * `args.relu` is 1. The source ends in zeros.
 */
export const SOURCE = `
fn sourceAt(window: Filter, place: vec3u, tap: vec2u, quad: u32) -> vec4f {
  let at = place.yz * window.stride + tap * window.dilation - window.padding; // before the edge: very large
  if (at.x >= args.height || at.y >= args.width) { return vec4f(); }
  let value = source[((place.x * args.height + at.x) * args.width + at.y) * args.quads + quad];
  return select(value, vec4f(), (value < vec4f()) & vec4<bool>(args.relu == 1u));
}`

/**
 * WGSL: the gradient wrt the output whose window sees the source at `place` by its cell `tap`; 0 where there is none. For
 * kernels with an `outputGradient`.
 */
export const GRADIENT = `
fn gradientAt(window: Filter, form: Form, place: vec3u, tap: vec2u, quad: u32) -> vec4f {
  let reach = place.yz + window.padding - tap * window.dilation; // before the edge: very large
  let at = reach / window.stride;
  if (at.x >= window.height || at.y >= window.width || any(at * window.stride != reach)) { return vec4f(); }
  return gradientOf(window, form, (place.x * window.height + at.x) * window.width + at.y, quad);
}`

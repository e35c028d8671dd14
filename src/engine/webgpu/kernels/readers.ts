/**
 * WGSL functions with which convolution kernels read their operands. The input of a filter is batch-normalised and
 * rectified while it is read. The gradient with respect to a filter's output is computed while it is read if it is not
 * stored.
 *
 * In all of them `window` is the filter's record, `place` is (sample, row, column) of a pixel, `tap` is (row, column)
 * of a cell of the filter's window, and `quad` is the index of a group of four neighbouring channels.
 */
import { type Access, declare, numbered, unrolled } from '../device/kernel.ts'
import { rowOf } from './records.ts'

/**
 * Names of the kernel arguments that the WGSL of `INPUT` reads: sizes of the filter's input, and whether ReLU is
 * applied to it.
 */
export const INPUT_ARGS = ['height', 'width', 'quads', 'relu'] as const

/**
 * WGSL function `affineOf(window, quad)`: returns the scale and shift that batch-normalise four channels of a filter's
 * input (see `norm.ts`); 1 and 0 if the filter reads its input as it is stored.
 */
export const AFFINE = `
struct Affine { scale: vec4f, shift: vec4f }
fn affineOf(window: Filter, quad: u32) -> Affine {
  if (window.inputNorm == NONE) { return Affine(vec4f(1.0), vec4f()); }
  let at = window.inputNorm + quad;
  return Affine(vectors[at + ${rowOf('scale')}], vectors[at + ${rowOf('shift')}]);
}`

/**
 * WGSL function `inputAt(…)`: returns the input pixel under cell `tap` of the filter's window when the filter computes
 * the output pixel `place`. The pixel is scaled and shifted by `affine` and rectified if `args.relu` is 1; beyond the
 * edge of the image it is 0.
 */
export const INPUT = `${AFFINE}
fn inputAt(window: Filter, affine: Affine, place: vec3u, tap: vec2u, quad: u32) -> vec4f {
  let at = place.yz * window.stride + tap * window.dilation - window.padding; // above or left of the image: very large
  if (at.x >= args.height || at.y >= args.width) { return vec4f(); }
  let pixel = (place.x * args.height + at.x) * args.width + at.y;
  let value = affine.scale * source[window.inputOffset + pixel * args.quads + quad] + affine.shift;
  return select(value, vec4f(), (value < vec4f()) & vec4<bool>(args.relu == 1u));
}`

/** WGSL buffers and functions with which a kernel reads the gradient with respect to the output of a filter. */
export interface OutputGradient {
  readonly buffers: Readonly<Record<string, Access>>
  /**
   * WGSL functions: `formOf(window, quad)` loads the coefficients of four channels, which all pixels share;
   * `gradientOf(window, form, pixel, quad)` then returns the gradient with respect to the filter's output at one pixel.
   */
  readonly code: string
}

/**
 * The most storage buffers that a kernel with the code of `outputGradient` binds, not counting the gradients of nodes.
 */
export const OTHER_BINDINGS = 7

const row = (name: Parameters<typeof rowOf>[0]) => `vectors[window.outputNorm + ${rowOf(name, 'window.quads')} + quad]`

/**
 * Returns the WGSL that reads the gradient with respect to the output y of a filter. If only a batch-normalised term of
 * a node (a sum of terms) reads y, that gradient is not stored but computed from the gradient g with respect to the
 * node:
 *
 *   slope·g + curve·y + offset    (per-channel coefficients from the kernel `differentiate` in `norm.ts`)
 *
 * @param sources number of buffers with gradients of nodes that the kernel binds; 0: the gradient with respect to y is
 * stored
 */
export function outputGradient(sources: number): OutputGradient {
  if (sources === 0) {
    return {
      buffers: { gradients: 'read vec4f' },
      code: `
alias Form = u32;
fn formOf(window: Filter, quad: u32) -> Form { return window.outputOffset + quad; }
fn gradientOf(window: Filter, form: Form, pixel: u32, quad: u32) -> vec4f {
  return gradients[form + pixel * window.quads];
}`,
    }
  }
  return {
    buffers: declare(['vectors', 'outputs', ...numbered('gradient', sources)], 'read vec4f'),
    code: `
struct Form { slope: vec4f, curve: vec4f, offset: vec4f }
fn formOf(window: Filter, quad: u32) -> Form { return Form(${row('slope')}, ${row('curve')}, ${row('offset')}); }
fn gradientOf(window: Filter, form: Form, pixel: u32, quad: u32) -> vec4f {
  let at = pixel * window.quads + quad;
  let g = nodeGradientAt(window.gradientSource, window.gradientSourceOffset + at);
  return form.slope * g + form.curve * outputs[window.outputOffset + at] + form.offset;
}
fn nodeGradientAt(source: u32, at: u32) -> vec4f {
  switch source {
    ${unrolled(sources, (j) => `case ${j}u: { return gradient${j}[at]; }`)}
    default: { return vec4f(); }
  }
}`,
  }
}

/**
 * WGSL function `gradientAt(…)`: returns the gradient with respect to the output pixel whose window covers the input
 * pixel `place` with its cell `tap`; 0 if there is no such output pixel. It calls `gradientOf` of `outputGradient`.
 */
export const GRADIENT = `
fn gradientAt(window: Filter, form: Form, place: vec3u, tap: vec2u, quad: u32) -> vec4f {
  let distance = place.yz + window.padding - tap * window.dilation; // above or left of the output: very large
  var at = distance;
  if (window.stride > 1u) { // the division costs about twenty instructions
    at = distance / window.stride;
    if (any(at * window.stride != distance)) { return vec4f(); }
  }
  if (at.x >= window.height || at.y >= window.width) { return vec4f(); }
  return gradientOf(window, form, (place.x * window.height + at.x) * window.width + at.y, quad);
}`

/**
 * Kernels of average pooling, max pooling and global average pooling. Every thread computes four channels of one pixel.
 * In the backward pass a thread adds up the gradients of all windows that contain its pixel, so that sums have a fixed
 * order.
 */
import { ADDS, defineKernel, eachItem } from '../device/kernel.ts'

/** Names of the arguments of the pooling kernels: sizes of input and output; size, stride and padding of the window. */
const ARGS = [
  ...['height', 'width', 'quads', 'outputHeight', 'outputWidth'],
  ...['kernel', 'stride', 'padding'],
] as const

/**
 * Returns WGSL that splits the index `i` of an element of a batch of images into quad (group of four channels), x, y
 * and sample.
 */
const place = (height: string, width: string) => `
  let quad = i % args.quads;
  let x = (i / args.quads) % ${width};
  let y = (i / (args.quads * ${width})) % ${height};
  let sample = i / (args.quads * ${width} * ${height});`

const OUTPUTS = 'run.samples * args.outputHeight * args.outputWidth * args.quads'
const INPUTS = 'run.samples * args.height * args.width * args.quads'
const ON_OUTPUT = place('args.outputHeight', 'args.outputWidth')
const ON_INPUT = place('args.height', 'args.width')

const inputAt = '((sample * args.height + at.x) * args.width + at.y) * args.quads + quad'
const outputAt = '((sample * args.outputHeight + at.x) * args.outputWidth + at.y) * args.quads + quad'

/**
 * Returns a WGSL loop that runs `body` for each input pixel `at` in the pooling window of an output pixel. In `body`,
 * `tap` is the index of `at` within the window. Cells of the window beyond the edge of the image are skipped.
 */
const overWindow = (body: string) => `
  for (var ky = 0u; ky < args.kernel; ky++) {
    for (var kx = 0u; kx < args.kernel; kx++) {
      let tap = ky * args.kernel + kx;
      let at = vec2u(y, x) * args.stride + vec2u(ky, kx) - args.padding;
      if (at.x >= args.height || at.y >= args.width) { continue; }
      ${body}
    }
  }`

/**
 * Returns a WGSL loop that runs `body` for each output pixel `at` whose pooling window contains a given input pixel. In
 * `body`, `tap` is the index of the input pixel within that window.
 */
const overOutputs = (body: string) => `
  for (var ky = 0u; ky < args.kernel; ky++) {
    for (var kx = 0u; kx < args.kernel; kx++) {
      let tap = ky * args.kernel + kx;
      let distance = vec2i(vec2u(y, x) + args.padding) - vec2i(vec2u(ky, kx));
      if (distance.x < 0 || distance.y < 0) { continue; }
      var at = vec2u(distance);
      if (args.stride > 1u) {
        at /= args.stride;
        if (any(at * args.stride != vec2u(distance))) { continue; }
      }
      if (at.x >= args.outputHeight || at.y >= args.outputWidth) { continue; }
      ${body}
    }
  }`

/** WGSL: stores `sum` in element `i` of the gradient buffer `result`, or adds it there, as `args.accumulate` says. */
const STORE_SUM = `
  if (adds(args.accumulate)) { sum += result[i]; }
  result[i] = sum;`

/** Kernel: average pooling. output ← the mean of each window; cells beyond the edge of the image are not counted. */
export const avgPool = defineKernel({
  name: 'avgPool',
  buffers: { input: 'read vec4f', output: 'write vec4f' },
  args: ARGS,
  code: eachItem(
    OUTPUTS,
    `${ON_OUTPUT}
    var sum = vec4f();
    var cells = 0.0;
    ${overWindow(`sum += input[${inputAt}]; cells += 1.0;`)}
    output[i] = sum / cells;`,
  ),
})

/** Kernel: stores in `result`, or adds to it, the gradient with respect to the input of an average pooling. */
export const avgPoolGradient = defineKernel({
  name: 'avgPoolGradient',
  buffers: { gradient: 'read vec4f', result: 'write vec4f' },
  args: [...ARGS, 'accumulate'],
  code: `${ADDS}
/** The number of rows, or columns, of an output's window that lie inside the image. */
fn cellsAlong(output: u32, extent: u32) -> u32 {
  let start = i32(output * args.stride) - i32(args.padding);
  return u32(min(start + i32(args.kernel), i32(extent)) - max(start, 0));
}
${eachItem(
  INPUTS,
  `${ON_INPUT}
  var sum = vec4f();
  ${overOutputs(`
    let cells = cellsAlong(at.x, args.height) * cellsAlong(at.y, args.width);
    sum += gradient[${outputAt}] / f32(cells);`)}
  ${STORE_SUM}`,
)}`,
})

/**
 * Kernel: max pooling. output ← the largest value of each window; choice ← the index within the window at which it was
 * found (the first one if values are equal).
 */
export const maxPool = defineKernel({
  name: 'maxPool',
  buffers: { input: 'read vec4f', output: 'write vec4f', choice: 'write vec4u' },
  args: ARGS,
  code: eachItem(
    OUTPUTS,
    `${ON_OUTPUT}
    var largest = vec4f();
    var chosen = vec4u(args.kernel * args.kernel);
    ${overWindow(`
      let value = input[${inputAt}];
      let better = (chosen == vec4u(args.kernel * args.kernel)) | (value > largest);
      largest = select(largest, value, better);
      chosen = select(chosen, vec4u(tap), better);`)}
    output[i] = largest;
    choice[i] = chosen;`,
  ),
})

/** Kernel: max pooling with frozen choices. output ← the value at the recorded index `choice` of each window. */
export const chosenPool = defineKernel({
  name: 'chosenPool',
  buffers: { input: 'read vec4f', choice: 'read vec4u', output: 'write vec4f' },
  args: ARGS,
  code: eachItem(
    OUTPUTS,
    `${ON_OUTPUT}
    let chosen = choice[i];
    var picked = vec4f();
    ${overWindow(`picked = select(picked, input[${inputAt}], chosen == vec4u(tap));`)}
    output[i] = picked;`,
  ),
})

/**
 * Kernel: stores in `result`, or adds to it, the gradient with respect to the input of a max pooling; `choice` holds
 * for each window the index of its largest value.
 */
export const maxPoolGradient = defineKernel({
  name: 'maxPoolGradient',
  buffers: { gradient: 'read vec4f', choice: 'read vec4u', result: 'write vec4f' },
  args: [...ARGS, 'accumulate'],
  code: `${ADDS}
${eachItem(
  INPUTS,
  `${ON_INPUT}
  var sum = vec4f();
  ${overOutputs(`
    let source = ${outputAt};
    sum += select(vec4f(), gradient[source], choice[source] == vec4u(tap));`)}
  ${STORE_SUM}`,
)}`,
})

/** Kernel: global average pooling. output ← the mean of each channel over all pixels of a sample. */
export const globalMean = defineKernel({
  name: 'globalMean',
  buffers: { input: 'read vec4f', output: 'write vec4f' },
  args: ['pixels', 'quads'],
  code: eachItem(
    'run.samples * args.quads',
    `let start = (i / args.quads) * args.pixels * args.quads + i % args.quads;
    var sum = vec4f();
    for (var pixel = 0u; pixel < args.pixels; pixel++) { sum += input[start + pixel * args.quads]; }
    output[i] = sum / f32(args.pixels);`,
  ),
})

/** Kernel: the gradient with respect to the input of `globalMean`: result ← (or +=) gradient / pixels. */
export const globalMeanGradient = defineKernel({
  name: 'globalMeanGradient',
  buffers: { gradient: 'read vec4f', result: 'write vec4f' },
  args: ['pixels', 'quads', 'accumulate'],
  code: `${ADDS}
${eachItem(
  'run.samples * args.pixels * args.quads',
  `var sum = gradient[(i / (args.pixels * args.quads)) * args.quads + i % args.quads] / f32(args.pixels);
  ${STORE_SUM}`,
)}`,
})

/**
 * Kernels of batch normalisation, which is a scale and a shift of each channel: c·(γ·(y − μ)·r + β), with r = 1/√(σ² +
 * ε), mean μ and variance σ² of the channel, and the mixing coefficient c. These kernels compute the moments, the
 * scales and shifts, and the gradients, all by channel. The normalised tensors are never stored: kernels that need them
 * scale and shift y while they read it.
 */
import { declare, defineKernel, eachItem, numbered, unrolled } from '../device/kernel.ts'
import {
  COLUMN_ARGS,
  COLUMN_SUM,
  COLUMN_THREADS,
  FINISH_LANES,
  FINISH_QUADS,
  LANE_SUM,
  OVER_CHUNK,
} from './columnSums.ts'
import { TERM } from './records.ts'

/** ε of batch normalisation and momentum of its running statistics: the defaults of PyTorch's `BatchNorm2d`. */
const EPSILON = '1e-5'
const MOMENTUM = '0.1'

/**
 * Kernel: computes the batch-norm moments of up to `most` activation tensors: for every chunk of pixels and every
 * channel the mean, and the sum of squared distances from that mean. Convolutions do this for their own outputs
 * (`convolve.ts`); this kernel serves all other tensors. The sums are of distances from the first pixel of the chunk,
 * which keeps them exact if the mean is large. Workgroup x: chunk; y: block of channels; z: tensor.
 */
export const measure = (most: number) => {
  const values = numbered('value', most)
  return defineKernel<string, string>({
    name: `measure ${most}`,
    buffers: { moments: 'write vec4f', ...declare(values, 'read vec4f') },
    args: [...COLUMN_ARGS, ...numbered('place', most)],
    code: `${COLUMN_SUM}
fn valueAt(j: u32, at: u32) -> vec4f {
  switch j {
    ${unrolled(most, (j) => `case ${j}u: { return value${j}[at]; }`)}
    default: { return vec4f(); }
  }
}

fn placeOf(j: u32) -> u32 {
  switch j {
    ${unrolled(most, (j) => `case ${j}u: { return args.place${j}; }`)}
    default: { return 0u; }
  }
}

@compute @workgroup_size(${COLUMN_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  ${OVER_CHUNK}
  var sum = vec4f();
  var squares = vec4f();
  var origin = vec4f();
  if (working && first < end) {
    origin = valueAt(group.z, first * args.quads + quad);
    for (var pixel = first + line; pixel < end; pixel += args.lines) {
      let x = valueAt(group.z, pixel * args.quads + quad) - origin;
      sum += x;
      squares += x * x;
    }
  }
  sum = columnSum(thread, sum);
  squares = columnSum(thread, squares);
  if (working && line == 0u) {
    let count = f32(max(end, first + 1u) - first);
    let at = placeOf(group.z) + group.x * 2u * args.quads + quad;
    moments[at] = origin + sum / count;
    moments[at + args.quads] = max(squares - sum * sum / count, vec4f());
  }
}`,
  })
}

/** WGSL function `isChannel(quad, lane)`: tells whether channel 4·quad + lane is a real channel and not padding. */
const IS_CHANNEL = `
fn isChannel(quad: u32, lane: u32) -> bool { return 4u * quad + lane < args.channels; }`

/**
 * Kernel: merges the moments of all chunks of an activation tensor y to its mean μ and variance, then computes the
 * scale c·γ·r and shift c·(β − γ·μ·r) of each channel (symbols as at the head of this file). In training it also
 * updates the running statistics; in evaluation it uses the running statistics instead of the moments. A term without
 * normalisation gets the scale c and the shift 0. Workgroup x: quads of channels; y: term.
 */
export const computeScaleShift = defineKernel({
  name: 'computeScaleShift',
  buffers: {
    terms: 'read u32',
    feed: 'read f32',
    moments: 'read vec4f',
    weights: 'read f32',
    statistics: 'write f32',
    vectors: 'write vec4f',
  },
  args: ['first', 'termCount', 'quads', 'channels', 'pixelsPerSample'],
  code: `${TERM}${IS_CHANNEL}${LANE_SUM}
/** The number of pixels of a chunk; the last chunk may have fewer. */
fn sizeOf(chunk: u32, perChunk: u32, pixels: u32) -> f32 {
  return f32(min(perChunk, pixels - min(pixels, chunk * perChunk)));
}

@compute @workgroup_size(${FINISH_QUADS * FINISH_LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let term = args.first + group.y;
  let quad = group.x * ${FINISH_QUADS}u + thread % ${FINISH_QUADS}u;
  let lane = thread / ${FINISH_QUADS}u;
  let running = field(term, RUNNING);
  let measured = field(term, NORMALISED) == 1u && !(running != NONE && run.mode == 2u);
  let pixels = run.samples * args.pixelsPerSample;
  let perChunk = field(term, PIXELSPERCHUNK);
  let chunks = select(0u, (pixels + perChunk - 1u) / perChunk, measured && quad < args.quads);
  let start = field(term, MOMENTS) + quad;
  var sum = vec4f();
  for (var chunk = lane; chunk < chunks; chunk += ${FINISH_LANES}u) {
    sum += sizeOf(chunk, perChunk, pixels) * moments[start + chunk * 2u * args.quads];
  }
  let mean = laneSum(thread, sum) / f32(pixels);
  var squares = vec4f();
  for (var chunk = lane; chunk < chunks; chunk += ${FINISH_LANES}u) {
    let at = start + chunk * 2u * args.quads;
    let distance = moments[at] - mean;
    squares += moments[at + args.quads] + sizeOf(chunk, perChunk, pixels) * distance * distance;
  }
  let variance = laneSum(thread, squares) / f32(pixels);
  if (lane == 0u && quad < args.quads && feed[args.termCount + term] != 0.0) { finish(term, quad, mean, variance, pixels); }
}

fn finish(term: u32, quad: u32, measuredMean: vec4f, measuredVariance: vec4f, pixels: u32) {
  let c = feed[term];
  if (field(term, NORMALISED) == 0u) {
    vectors[row(term, SCALE) + quad] = vec4f(c);
    vectors[row(term, SHIFT) + quad] = vec4f();
    vectors[row(term, MEAN) + quad] = vec4f();
    return;
  }
  var mean = measuredMean;
  var variance = measuredVariance;
  let running = field(term, RUNNING);
  let gamma = field(term, GAMMA);
  var scale = vec4f(1.0);
  var shift = vec4f();
  let unbias = f32(pixels) / f32(max(pixels, 2u) - 1u);
  for (var lane = 0u; lane < 4u; lane++) {
    if (!isChannel(quad, lane)) { continue; }
    let channel = 4u * quad + lane;
    if (running != NONE) {
      let at = running + channel;
      let spread = at + args.channels;
      if (run.mode == 2u) {
        mean[lane] = statistics[at];
        variance[lane] = statistics[spread];
      } else if (run.mode == 0u) {
        statistics[at] += ${MOMENTUM} * (mean[lane] - statistics[at]);
        statistics[spread] += ${MOMENTUM} * (variance[lane] * unbias - statistics[spread]);
      }
    }
    if (gamma != NONE) {
      scale[lane] = weights[gamma + channel];
      shift[lane] = weights[field(term, BETA) + channel];
    }
  }
  let factor = scale / sqrt(variance + ${EPSILON});
  vectors[row(term, SCALE) + quad] = c * factor;
  vectors[row(term, SHIFT) + quad] = c * (shift - factor * mean);
  vectors[row(term, MEAN) + quad] = mean;
  vectors[row(term, VARIANCE) + quad] = variance;
}`,
})

/**
 * Kernel: computes the gradients of each batch-normalised term c·(γ·x̂ + β) of a node from the sums that
 * `reduceProducts` (`combine.ts`) has stored. With g = ∂L/∂node, x̂ = (y − μ)·r and means over all pixels of a channel,
 *
 *   ∂L/∂y = c·γ·r·(g − mean(g) − x̂·mean(g·x̂)) = slope·g + curve·y + offset
 *   ∂L/∂c = Σ γ·g·x̂ + β·g,   ∂L/∂γ = c·Σ g·x̂,   ∂L/∂β = c·Σ g.
 *
 * With running statistics, μ and r are constants: ∂L/∂y = c·γ·r·g. Without normalisation, slope = c and ∂L/∂c = Σ g·y.
 * The kernel stores ∂L/∂c channel by channel; `total` adds the channels up. Workgroup x: quads of channels; y: term.
 */
export const differentiate = defineKernel({
  name: 'differentiate',
  buffers: {
    terms: 'read u32',
    feed: 'read f32',
    products: 'read vec4f',
    weights: 'read f32',
    gradient: 'write f32',
    vectors: 'write vec4f',
  },
  args: ['first', 'termCount', 'quads', 'channels', 'pixelsPerSample', 'pixelsPerChunk', 'chunkCount'],
  code: `${TERM}${IS_CHANNEL}${LANE_SUM}
@compute @workgroup_size(${FINISH_QUADS * FINISH_LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let term = args.first + group.y;
  let quad = group.x * ${FINISH_QUADS}u + thread % ${FINISH_QUADS}u;
  let lane = thread / ${FINISH_QUADS}u;
  let own = field(term, PRODUCTROW);
  let pixels = run.samples * args.pixelsPerSample;
  let chunks = select(0u, (pixels + args.pixelsPerChunk - 1u) / args.pixelsPerChunk, own != NONE && quad < args.quads);
  let start = own * args.chunkCount * args.quads + quad;
  var gradients = vec4f();
  var products = vec4f();
  for (var chunk = lane; chunk < chunks; chunk += ${FINISH_LANES}u) {
    gradients += productAt((field(term, GRADIENTROW) * args.chunkCount + chunk) * args.quads + quad);
    products += productAt(start + chunk * args.quads);
  }
  gradients = laneSum(thread, gradients);
  products = laneSum(thread, products);
  if (lane == 0u && quad < args.quads && feed[args.termCount + term] != 0.0) {
    finish(term, quad, gradients, products, f32(pixels));
  }
}

fn productAt(at: u32) -> vec4f { return products[at]; }

fn finish(term: u32, quad: u32, sum: vec4f, product: vec4f, count: f32) {
  let c = feed[term];
  if (field(term, NORMALISED) == 0u) {
    vectors[row(term, SLOPE) + quad] = vec4f(c);
    vectors[row(term, CURVE) + quad] = vec4f();
    vectors[row(term, OFFSET) + quad] = vec4f();
    vectors[row(term, CONTRIBUTION) + quad] = product;
    return;
  }
  let mean = vectors[row(term, MEAN) + quad];
  let rate = 1.0 / sqrt(vectors[row(term, VARIANCE) + quad] + ${EPSILON});
  let normalised = product * rate;
  let gamma = field(term, GAMMA);
  let beta = field(term, BETA);
  var scale = vec4f(1.0);
  var contribution = normalised;
  for (var lane = 0u; lane < 4u; lane++) {
    if (gamma == NONE || !isChannel(quad, lane)) { continue; }
    let channel = 4u * quad + lane;
    scale[lane] = weights[gamma + channel];
    contribution[lane] = scale[lane] * normalised[lane] + weights[beta + channel] * sum[lane];
    gradient[gamma + channel] = c * normalised[lane];
    gradient[beta + channel] = c * sum[lane];
  }
  let outer = c * scale * rate;
  let constant = field(term, RUNNING) != NONE && run.mode == 2u;
  let curve = select(-outer * rate * normalised / count, vec4f(), vec4<bool>(constant));
  vectors[row(term, SLOPE) + quad] = outer;
  vectors[row(term, CURVE) + quad] = curve;
  vectors[row(term, OFFSET) + quad] = select(-outer * sum / count - curve * mean, vec4f(), vec4<bool>(constant));
  vectors[row(term, CONTRIBUTION) + quad] = contribution;
}`,
})

/**
 * Kernel: results[first + term] ← the gradient of the loss with respect to the term's mixing coefficient, which is the
 * sum over all channels of the term's row `contribution`. `bases` holds for each term the offset and length of that
 * row, in groups of four channels.
 */
export const total = defineKernel({
  name: 'total',
  buffers: { bases: 'read u32', vectors: 'read vec4f', results: 'write f32' },
  args: ['first', 'termCount'],
  code: eachItem(
    'args.termCount',
    `let start = bases[2u * i];
    var sum = vec4f();
    for (var quad = 0u; quad < bases[2u * i + 1u]; quad++) { sum += vectors[start + quad]; }
    results[args.first + i] = (sum.x + sum.y) + (sum.z + sum.w);`,
  ),
})

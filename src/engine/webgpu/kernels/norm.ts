/**
 * Batch normalisation, as a scale and a shift of each channel: γ·(y − μ)·r + β with r = 1/√(σ² + ε), times a mixing
 * coefficient c. The normalised values themselves are never stored: whoever reads them scales and shifts. What a term
 * has for that is in `term.ts`.
 */
import { defineKernel, eachItem } from '../device/kernel.ts'
import { FINISH_LANES, FINISH_QUADS, LANE_SUM } from './columnSums.ts'
import { TERM } from './term.ts'

const EPSILON = '1e-5'
const MOMENTUM = '0.1'

/** WGSL: whether there is such a channel. */
const REAL = `
fn real(quad: u32, lane: u32) -> bool { return 4u * quad + lane < args.channels; }`

/**
 * The chunks' moments become a term's, running statistics follow or take their place, and scale and shift result:
 * scale = c·γ·r, shift = c·(β − γ·μ·r); of a term without normalisation c and 0. A workgroup's y is the term.
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
  code: `${TERM}${REAL}${LANE_SUM}
/** How many of a chunk's pixels are there. */
fn sizeOf(chunk: u32, perChunk: u32, pixels: u32) -> f32 {
  return f32(min(perChunk, pixels - min(pixels, chunk * perChunk)));
}

@compute @workgroup_size(${FINISH_QUADS * FINISH_LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let term = args.first + group.y;
  let quad = group.x * ${FINISH_QUADS}u + thread % ${FINISH_QUADS}u;
  let lane = thread / ${FINISH_QUADS}u;
  let running = field(term, RUNNINGPLUS1);
  let measured = field(term, NORMALISED) == 1u && !(running > 0u && run.mode == 2u);
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
  let running = field(term, RUNNINGPLUS1);
  let gamma = field(term, GAMMAPLUS1);
  var scale = vec4f(1.0);
  var shift = vec4f();
  let unbias = f32(pixels) / f32(max(pixels, 2u) - 1u);
  for (var lane = 0u; lane < 4u; lane++) {
    if (!real(quad, lane)) { continue; }
    let channel = 4u * quad + lane;
    if (running > 0u) {
      let at = running - 1u + channel;
      let spread = at + args.channels;
      if (run.mode == 2u) {
        mean[lane] = statistics[at];
        variance[lane] = statistics[spread];
      } else if (run.mode == 0u) {
        statistics[at] += ${MOMENTUM} * (mean[lane] - statistics[at]);
        statistics[spread] += ${MOMENTUM} * (variance[lane] * unbias - statistics[spread]);
      }
    }
    if (gamma > 0u) {
      scale[lane] = weights[gamma - 1u + channel];
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
 * The gradient through each term of a node, from the sums of `reduceProducts` (combine.ts). With x̂ = (y − μ)·r and means over
 * M values,
 *
 *   ∂L/∂y = c·γ·r·(g − mean(g) − x̂·mean(g·x̂)) = slope·g + curve·y + offset
 *   ∂L/∂c = Σ γ·g·x̂ + β·g,   ∂L/∂γ = c·Σ g·x̂,   ∂L/∂β = c·Σ g.
 *
 * Where running statistics are in use, μ and r are constants: ∂L/∂y = c·γ·r·g. Of a term without normalisation
 * slope = c and ∂L/∂c = Σ g·y. ∂L/∂c is left channel by channel, see `total`. A workgroup's y is the term.
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
  code: `${TERM}${REAL}${LANE_SUM}
@compute @workgroup_size(${FINISH_QUADS * FINISH_LANES})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let term = args.first + group.y;
  let quad = group.x * ${FINISH_QUADS}u + thread % ${FINISH_QUADS}u;
  let lane = thread / ${FINISH_QUADS}u;
  let own = field(term, PRODUCTROWPLUS1);
  let pixels = run.samples * args.pixelsPerSample;
  let chunks = select(0u, (pixels + args.pixelsPerChunk - 1u) / args.pixelsPerChunk, own > 0u && quad < args.quads);
  let start = (own - 1u) * args.chunkCount * args.quads + quad;
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
  let gamma = field(term, GAMMAPLUS1);
  let beta = field(term, BETA);
  var scale = vec4f(1.0);
  var contribution = normalised;
  for (var lane = 0u; lane < 4u; lane++) {
    if (gamma == 0u || !real(quad, lane)) { continue; }
    let channel = 4u * quad + lane;
    scale[lane] = weights[gamma - 1u + channel];
    contribution[lane] = scale[lane] * normalised[lane] + weights[beta + channel] * sum[lane];
    gradient[gamma - 1u + channel] = c * normalised[lane];
    gradient[beta + channel] = c * sum[lane];
  }
  let outer = c * scale * rate;
  let constant = field(term, RUNNINGPLUS1) > 0u && run.mode == 2u;
  let curve = select(-outer * rate * normalised / count, vec4f(), vec4<bool>(constant));
  vectors[row(term, SLOPE) + quad] = outer;
  vectors[row(term, CURVE) + quad] = curve;
  vectors[row(term, OFFSET) + quad] = select(-outer * sum / count - curve * mean, vec4f(), vec4<bool>(constant));
  vectors[row(term, CONTRIBUTION) + quad] = contribution;
}`,
})

/** results[first + term] ← ∂L/∂c of every term: the sum of what `differentiate` left, from where `bases` says. */
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

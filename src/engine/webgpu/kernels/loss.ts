/**
 * Kernels of the two objectives: softmax cross-entropy with label smoothing, and Σ cotangent·logits. Both write the
 * gradient with respect to the logits, and a tally: the loss and the numbers of correct predictions of the batch.
 */
import { defineKernel } from '../device/kernel.ts'

/** Number of threads in the single workgroup that computes the loss of the whole batch. */
const HEAD_THREADS = 128

/**
 * Returns the WGSL entry point of a loss kernel. It calls `sampleLoss` for every sample, and writes the sum of the
 * losses times `share` and the numbers of correct predictions to tally number `run.tally`. In the padding channels
 * (beyond the last class) the gradient is set to 0.
 *
 * @param share WGSL expression by which the sum of the samples' losses is multiplied
 */
const overBatch = (share: string) => `
var<workgroup> losses: array<f32, ${HEAD_THREADS}>;
var<workgroup> answers: array<vec2u, ${HEAD_THREADS}>;

fn isNumber(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) <= 0x7f800000u; }

/**
 * 1 or 0 for: the label has the largest logit; it is among the five largest. Equal logits rank by class; NaN counts as
 * wrong.
 */
fn rank(start: u32, label: u32) -> vec2u {
  let own = logits[start + label];
  if (!isNumber(own)) { return vec2u(); }
  var ahead = 0u;
  for (var i = 0u; i < args.classes; i++) {
    let z = logits[start + i];
    ahead += u32(z > own || (z == own && i < label));
  }
  return vec2u(u32(ahead == 0u), u32(ahead < 5u));
}

@compute @workgroup_size(${HEAD_THREADS})
fn main(@builtin(local_invocation_index) thread: u32) {
  var loss = 0.0;
  var right = vec2u();
  for (var sample = thread; sample < run.samples; sample += ${HEAD_THREADS}u) {
    let start = sample * args.channels;
    for (var i = args.classes; i < args.channels; i++) { gradient[start + i] = 0.0; }
    loss += sampleLoss(sample, start, labels[sample]);
    right += rank(start, labels[sample]);
  }
  losses[thread] = loss;
  answers[thread] = right;
  for (var reach = ${HEAD_THREADS / 2}u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if (thread < reach) {
      losses[thread] += losses[thread + reach];
      answers[thread] += answers[thread + reach];
    }
  }
  if (thread > 0u) { return; }
  let at = 4u * run.tally;
  if (args.main == 1u) {
    results[at] = ${share} * losses[0];
    results[at + 1u] = f32(answers[0].x);
    results[at + 2u] = f32(answers[0].y);
    results[at + 3u] = f32(run.samples);
  } else {
    results[at] += ${share} * losses[0];
  }
}`

/**
 * Kernel: computes the mean softmax cross-entropy of one head over the batch and its gradient with respect to the
 * logits. With predicted probabilities p, label smoothing s, class weights w, targets t = (1 − s)·onehot + s / classes
 * and the loss weight `weight` of the head:
 *   loss = Σ_n Σ_c w_c · t_nc · −log p_nc / Σ_n w_label(n);   `run.labelWeights` is the denominator
 *   gradient ← weight / Σ_n w_label(n) · (p · Σ_c w_c·t_c − w·t).
 * The main head (`main` = 1) starts the tally and counts correct predictions; an auxiliary head adds its weighted loss
 * to the tally.
 */
export const crossEntropy = defineKernel({
  name: 'crossEntropy',
  buffers: {
    logits: 'read f32',
    labels: 'read u32',
    classWeights: 'read f32',
    gradient: 'write f32',
    results: 'write f32',
  },
  /**
   * The argument `weight` is the loss weight of the head: the bits of a 32-bit float, passed as an unsigned integer.
   */
  args: ['classes', 'channels', 'main', 'weight'],
  code: `
fn sampleLoss(sample: u32, start: u32, label: u32) -> f32 {
  let even = run.smoothing / f32(args.classes);
  var largest = logits[start];
  for (var i = 1u; i < args.classes; i++) { largest = max(largest, logits[start + i]); }
  var total = 0.0;
  var sum = 0.0;
  var weights = 0.0;
  for (var i = 0u; i < args.classes; i++) {
    let z = logits[start + i] - largest;
    total += exp(z);
    sum += classWeights[i] * z;
    weights += classWeights[i];
  }
  let own = (1.0 - run.smoothing) * classWeights[label];
  let targetWeight = own + even * weights;
  let share = bitcast<f32>(args.weight) / run.labelWeights;
  for (var i = 0u; i < args.classes; i++) {
    let hit = select(0.0, own, i == label);
    let p = exp(logits[start + i] - largest) / total;
    gradient[start + i] = share * (p * targetWeight - hit - even * classWeights[i]);
  }
  return targetWeight * log(total) - own * (logits[start + label] - largest) - even * sum;
}
${overBatch('bitcast<f32>(args.weight) / run.labelWeights')}`,
})

/**
 * Kernel: for a given cotangent [batch, classes], computes the loss Σ cotangent·logits of the main head; gradient with
 * respect to the logits ← cotangent.
 */
export const cotangent = defineKernel({
  name: 'cotangent',
  buffers: {
    logits: 'read f32',
    labels: 'read u32',
    cotangents: 'read f32',
    gradient: 'write f32',
    results: 'write f32',
  },
  args: ['classes', 'channels', 'main'],
  code: `
fn sampleLoss(sample: u32, start: u32, label: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < args.classes; i++) {
    let g = cotangents[sample * args.classes + i];
    gradient[start + i] = g;
    sum += g * logits[start + i];
  }
  return sum;
}
${overBatch('1.0')}`,
})

/** GPU kernels on whole weight vectors: scaled addition, scaling, scalar product, and the SGD step. */
import { defineKernel, eachItem } from '../device/kernel.ts'

/** Kernel: y ← y + a·x with a = `run.factor`. */
export const axpy = defineKernel({
  name: 'axpy',
  buffers: { x: 'read f32', y: 'write f32' },
  args: ['length'],
  code: eachItem('args.length', 'y[i] += run.factor * x[i];'),
})

/** Kernel: y ← a·y with a = `run.factor`. */
export const scale = defineKernel({
  name: 'scale',
  buffers: { y: 'write f32' },
  args: ['length'],
  code: eachItem('args.length', 'y[i] *= run.factor;'),
})

/** Number of workgroups of the kernel `dot`; each writes one partial sum of the scalar product. */
export const DOT_PARTS = 64
const DOT_THREADS = 64

/** Kernel: parts[group] ← the partial sum of the scalar product x·y that workgroup `group` computes. */
export const dot = defineKernel({
  name: 'dot',
  buffers: { x: 'read f32', y: 'read f32', parts: 'write f32' },
  args: ['length'],
  code: `
var<workgroup> sums: array<f32, ${DOT_THREADS}>;

@compute @workgroup_size(${DOT_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  var sum = 0.0;
  for (var i = group.x * ${DOT_THREADS}u + thread; i < args.length; i += ${DOT_PARTS * DOT_THREADS}u) {
    sum += x[i] * y[i];
  }
  sums[thread] = sum;
  for (var reach = ${DOT_THREADS / 2}u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if (thread < reach) { sums[thread] += sums[thread + reach]; }
  }
  if (thread == 0u) { parts[group.x] = sums[0]; }
}`,
})

/** The ε that PyTorch's `clip_grad_norm_` adds to the gradient's norm before it divides by it. */
const CLIP_EPSILON = '1e-6'

/**
 * Kernel: one step of SGD as in PyTorch, with gradient g, weights w and momentum buffer m: g ← clip·g + decay·w; m ←
 * momentum·m + g; w ← w − rate·(nesterov ? g + momentum·m : m). `parts` holds the partial sums of g·g, from which the
 * clipping factor follows; a negative `clipNorm` means no clipping.
 */
export const sgd = defineKernel({
  name: 'sgd',
  buffers: { gradient: 'read f32', parts: 'read f32', weights: 'write f32', buffer: 'write f32' },
  args: ['length'],
  code: `
var<workgroup> clip: f32;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  if (thread == 0u) {
    clip = 1.0;
    if (run.clipNorm >= 0.0) {
      var square = 0.0;
      for (var part = 0u; part < ${DOT_PARTS}u; part++) { square += parts[part]; }
      clip = min(1.0, run.clipNorm / (sqrt(square) + ${CLIP_EPSILON}));
    }
  }
  workgroupBarrier();
  for (var i = id.x; i < args.length; i += groups.x * 64u) {
    let g = clip * gradient[i] + run.decay * weights[i];
    let m = run.momentum * buffer[i] + g;
    buffer[i] = m;
    weights[i] -= run.rate * select(m, g + run.momentum * m, run.nesterov == 1u);
  }
}`,
})

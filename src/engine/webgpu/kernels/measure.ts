/** Moments by chunk of pixels, of values that no convolution makes (those collect them: `tileMoments.ts`). */
import { defineKernel } from '../device/kernel.ts'
import { COLUMN_ARGS, COLUMN_SUM, COLUMN_THREADS, OVER_CHUNK } from './columnSums.ts'

/**
 * moments[chunk] ← mean and sum of squared distances from it, of each value from its `place` on; a workgroup's z is the
 * value. Sums are taken of the distances from the chunk's first pixel, which keeps them exact where the mean is large.
 */
export const measure = (most: number) => {
  const values = Array.from({ length: most }, (_, j) => `value${j}`)
  return defineKernel<string, string>({
    name: `measure ${most}`,
    buffers: { moments: 'write vec4f', ...Object.fromEntries(values.map((name) => [name, 'read vec4f' as const])) },
    args: [...COLUMN_ARGS, ...values.map((_, j) => `place${j}`)],
    code: `${COLUMN_SUM}
fn valueAt(j: u32, at: u32) -> vec4f {
  switch j {
    ${values.map((name, j) => `case ${j}u: { return ${name}[at]; }`).join('\n')}
    default: { return vec4f(); }
  }
}

fn placeOf(j: u32) -> u32 {
  switch j {
    ${values.map((_, j) => `case ${j}u: { return args.place${j}; }`).join('\n')}
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

/** Moments of what a workgroup of `convolve.ts` made, while it stands in registers: mean and squared distances by tile. */
import type { Tile } from './product.ts'

/**
 * WGSL: `rowSum(thread, own)` is the sum over all rows of a column, in workgroup memory of the name given. The rows,
 * threads over columns, must be a power of two.
 */
export const rowSum = ({ threads, columns }: Tile, memory: string): string => `
fn rowSum(thread: u32, own: vec4f) -> vec4f {
  workgroupBarrier();
  ${memory}[thread] = own;
  for (var reach = ${threads / 2}u; reach >= ${columns}u; reach /= 2u) {
    workgroupBarrier();
    if (thread < reach) { ${memory}[thread] += ${memory}[thread + reach]; }
  }
  workgroupBarrier();
  return ${memory}[thread % ${columns}u];
}`

/**
 * WGSL: leaves the moments of `sums` where the filter `own` wants them. To stand in uniform control flow. Distances are
 * those from the tile's own mean, which loses nothing where a mean is large.
 */
export function collectMoments({ threads, columns, each, pixels }: Tile): string {
  const rows = threads / columns
  const overPixels = (body: string) => `
    for (var p = 0u; p < ${each}u; p++) {
      if (first + p * ${rows}u + row < pixels) { ${body} }
    }`
  return `
  if (own.momentsPlus1 > 0u && (own.tracked == 0u || run.mode != 2u)) {
    var sum = vec4f();
    ${overPixels('sum += sums[p];')}
    let mean = rowSum(thread, sum) / f32(min(${pixels}u, pixels - first));
    var squares = vec4f();
    ${overPixels('squares += (sums[p] - mean) * (sums[p] - mean);')}
    squares = rowSum(thread, squares);
    if (row == 0u && firstColumn + column < extent.z) {
      let at = own.momentsPlus1 - 1u + (first / ${pixels}u) * 2u * extent.z + firstColumn + column;
      moments[at] = mean;
      moments[at + extent.z] = squares;
    }
  }`
}

/** Moments of what a workgroup of `convolve.ts` made, while it stands in registers: mean and squared distances by tile. */

/** How the threads of a tile stand. */
interface TileThreads {
  readonly threads: number
  /** Side by side over channels; the others are rows of pixels. */
  readonly columns: number
  /** Of a thread, each `threads / columns` from the next. */
  readonly pixels: number
}

/** WGSL: `rowSum(thread, own)` is the sum over all rows of a column, in workgroup memory of the name given. */
export const rowSum = ({ threads, columns }: TileThreads, memory: string): string => `
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
export function collectMoments({ threads, columns, pixels }: TileThreads): string {
  const rows = threads / columns
  const overPixels = (body: string) => `
    for (var p = 0u; p < ${pixels}u; p++) {
      if (first + p * ${rows}u + row < pixels) { ${body} }
    }`
  return `
  if (own.momentsPlus1 > 0u && (own.tracked == 0u || run.mode != 2u)) {
    var sum = vec4f();
    ${overPixels('sum += sums[p];')}
    let mean = rowSum(thread, sum) / f32(min(${rows * pixels}u, pixels - first));
    var squares = vec4f();
    ${overPixels('squares += (sums[p] - mean) * (sums[p] - mean);')}
    squares = rowSum(thread, squares);
    if (row == 0u && firstColumn + column < extent.z) {
      let at = own.momentsPlus1 - 1u + (first / ${rows * pixels}u) * 2u * extent.z + firstColumn + column;
      moments[at] = mean;
      moments[at + extent.z] = squares;
    }
  }`
}

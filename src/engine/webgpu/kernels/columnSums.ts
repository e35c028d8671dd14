/** Sums over pixels by channel, in two fixed steps: threads of a workgroup over a chunk of pixels, then chunk by chunk. */

/** Threads of a workgroup that goes over a chunk. */
export const COLUMN_THREADS = 128

/** How the threads stand over an image: some quads of channels side by side, the rest over pixels. */
export interface ColumnLayout {
  /** Quads of channels of one workgroup. */
  readonly block: number
  readonly lines: number
  /** The largest power of two below `lines`, half of which the first step of a sum folds. */
  readonly reach: number
}

export function columnLayout(quads: number): ColumnLayout {
  const block = Math.min(quads, COLUMN_THREADS)
  const lines = Math.floor(COLUMN_THREADS / block)
  return { block, lines, reach: lines > 1 ? 2 ** Math.floor(Math.log2(lines - 1)) : 0 }
}

/** The arguments that `COLUMN_SUM` reads. */
export const COLUMN_ARGS = ['quads', 'block', 'lines', 'reach', 'pixelsPerSample', 'pixelsPerChunk'] as const

/**
 * WGSL: `columnSum(thread, own)` is the sum over all lines, for the threads of line 0. To be called by all threads, in
 * uniform control flow.
 */
export const COLUMN_SUM = `
var<workgroup> column: array<vec4f, ${COLUMN_THREADS}>;

fn columnSum(thread: u32, own: vec4f) -> vec4f {
  let line = thread / args.block;
  workgroupBarrier();
  column[thread] = own;
  for (var reach = args.reach; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if (line < reach && line + reach < args.lines) { column[thread] += column[thread + reach * args.block]; }
  }
  return column[thread];
}`

/** WGSL: the start of a kernel over chunks; a workgroup's x is its chunk, y its block of channels. */
export const OVER_CHUNK = `
  let pixels = run.samples * args.pixelsPerSample;
  let first = group.x * args.pixelsPerChunk;
  let end = min(first + args.pixelsPerChunk, pixels);
  let line = thread / args.block;
  let quad = group.y * args.block + thread % args.block;
  let working = line < args.lines && quad < args.quads;`

/** Quads and lanes of a workgroup that adds up chunks. */
export const FINISH_QUADS = 4
export const FINISH_LANES = 32

/** WGSL: `laneSum(thread, own)` is the sum over the lanes, for all threads. To be called in uniform control flow. */
export const LANE_SUM = `
var<workgroup> lanes: array<vec4f, ${FINISH_QUADS * FINISH_LANES}>;

fn laneSum(thread: u32, own: vec4f) -> vec4f {
  workgroupBarrier();
  lanes[thread] = own;
  for (var reach = ${FINISH_LANES / 2}u; reach > 0u; reach /= 2u) {
    workgroupBarrier();
    if (thread / ${FINISH_QUADS}u < reach) { lanes[thread] += lanes[thread + reach * ${FINISH_QUADS}u]; }
  }
  workgroupBarrier();
  return lanes[thread % ${FINISH_QUADS}u];
}`

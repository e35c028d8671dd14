/**
 * Sums over all pixels of a batch, by channel. They run in two steps of fixed order: the threads of a workgroup add up
 * one chunk of pixels, then the results of the chunks are added up. This file has the layout of the threads and the
 * WGSL of both steps.
 */

/** Threads of a workgroup that adds up one chunk of pixels. */
export const COLUMN_THREADS = 128

/**
 * How the threads of a workgroup divide a chunk of pixels: each adds up four channels (a quad) of every `lines`-th
 * pixel.
 */
export interface ColumnLayout {
  /** Quads of channels that one workgroup covers. */
  readonly block: number
  /** Threads that share the pixels of one quad. */
  readonly lines: number
  /** The largest power of two below `lines`: distance of the threads that are added in the first round of the tree. */
  readonly reach: number
}

/**
 * Returns how the threads of a workgroup divide the channels and pixels of a value with `quads` groups of four
 * channels.
 */
export function columnLayout(quads: number): ColumnLayout {
  const block = Math.min(quads, COLUMN_THREADS)
  const lines = Math.floor(COLUMN_THREADS / block)
  return { block, lines, reach: lines > 1 ? 2 ** Math.floor(Math.log2(lines - 1)) : 0 }
}

/** The kernel arguments that `COLUMN_SUM` and `OVER_CHUNK` read. */
export const COLUMN_ARGS = ['quads', 'block', 'lines', 'reach', 'pixelsPerSample', 'pixelsPerChunk'] as const

/**
 * WGSL: `columnSum(thread, own)` returns the sum of `own` over all threads of the same quad; the result is valid for
 * the threads of line 0. All threads must call it, in uniform control flow.
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

/**
 * WGSL: the first lines of a kernel that sums over a chunk. Workgroup x is the chunk, y the block of channels. Defines
 * the pixels from `first` to `end`, the `line` and `quad` of the thread, and whether the thread has work.
 */
export const OVER_CHUNK = `
  let pixels = run.samples * args.pixelsPerSample;
  let first = group.x * args.pixelsPerChunk;
  let end = min(first + args.pixelsPerChunk, pixels);
  let line = thread / args.block;
  let quad = group.y * args.block + thread % args.block;
  let working = line < args.lines && quad < args.quads;`

/**
 * A workgroup that adds up the results of the chunks covers so many quads (groups of four channels), with so many
 * threads (lanes) for each.
 */
export const FINISH_QUADS = 4
export const FINISH_LANES = 32

/**
 * WGSL: `laneSum(thread, own)` returns the sum of `own` over all threads of the same quad, valid for every thread. All
 * threads must call it, in uniform control flow.
 */
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

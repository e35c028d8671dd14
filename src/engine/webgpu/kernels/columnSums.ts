/**
 * Layout of the threads and WGSL code of per-channel sums over all pixels of a batch. A sum takes two steps, each in a
 * fixed order: every workgroup adds up one chunk of pixels, then one workgroup adds up the results of the chunks.
 */

/** Number of threads in a workgroup that adds up one chunk of pixels. */
export const COLUMN_THREADS = 128

/**
 * How the threads of a workgroup divide a chunk of pixels. Each thread is responsible for one quad (four neighbouring
 * channels) and adds it up over every `lines`-th pixel.
 */
export interface ColumnLayout {
  /** Number of quads (groups of four channels) that one workgroup covers. */
  readonly block: number
  /** Number of threads that share the pixels of one quad of channels. */
  readonly lines: number
  /**
   * Distance of the threads whose sums are added in the first round of the tree reduction: the largest power of two
   * below `lines`, or 0 for a single line.
   */
  readonly reach: number
}

/**
 * Returns how the threads of a workgroup divide the channels and pixels of an activation tensor with `quads` groups of
 * four channels.
 */
export function columnLayout(quads: number): ColumnLayout {
  const block = Math.min(quads, COLUMN_THREADS)
  const lines = Math.floor(COLUMN_THREADS / block)
  return { block, lines, reach: lines > 1 ? 2 ** Math.floor(Math.log2(lines - 1)) : 0 }
}

/** Names of the kernel arguments that the WGSL of `COLUMN_SUM` and `OVER_CHUNK` reads. */
export const COLUMN_ARGS = ['quads', 'block', 'lines', 'reach', 'pixelsPerSample', 'pixelsPerChunk'] as const

/**
 * WGSL function `columnSum(thread, own)`: returns the sum of the values `own` of all threads with the same quad of
 * channels, but only to the first of these threads (that of line 0). All threads must call it, in uniform control flow.
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
 * WGSL: the beginning of a kernel that sums over a chunk of pixels (workgroup x: the chunk; y: the block of channels).
 * Defines the chunk's pixels (`first` to `end`), the `line` and `quad` of the thread, and whether the thread has work
 * (`working`).
 */
export const OVER_CHUNK = `
  let pixels = run.samples * args.pixelsPerSample;
  let first = group.x * args.pixelsPerChunk;
  let end = min(first + args.pixelsPerChunk, pixels);
  let line = thread / args.block;
  let quad = group.y * args.block + thread % args.block;
  let working = line < args.lines && quad < args.quads;`

/**
 * Shape of a workgroup that adds up the results of the chunks of pixels: it covers `FINISH_QUADS` quads (groups of four
 * channels), with `FINISH_LANES` threads for each.
 */
export const FINISH_QUADS = 4
export const FINISH_LANES = 32

/**
 * WGSL function `laneSum(thread, own)`: returns to every thread the sum of the values `own` of all threads with the
 * same quad of channels. All threads must call it, in uniform control flow.
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

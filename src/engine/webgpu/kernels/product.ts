/**
 * The matrix product of a convolution. A workgroup makes a tile of pixels × channels from slices of both factors that it
 * keeps in its shared memory, a thread some pixels of four channels.
 */

/** Quads of the reduction in one slice. */
const SLICE = 4
/** Between the windows of a slice's quads, so that threads that write side by side meet different banks of the memory. */
const GAP = 2

/** How a workgroup cuts pixels × channels. */
export interface Tile {
  /** A multiple of `SLICE`. */
  readonly threads: number
  /** Quads of channels. */
  readonly columns: number
  /** Pixels of a thread. */
  readonly each: number
  /** Of the workgroup. */
  readonly pixels: number
}

/** What the directions of a convolution differ in, in WGSL. */
export interface Direction {
  /** Sets `begin` and `end`, the filters that are added up, and `extent`, the height, width and quads of the result. */
  readonly begin: string
  /** Quads of channels that are summed over. */
  readonly reduced: string
  /** What the left factor needs to know once a slice, and the factor itself. */
  readonly prepare: string
  readonly factor: string
  /** What the workgroup does with all its `sums`. */
  readonly finish: string
  /** Puts `sums[p]` in its place, `at`. */
  readonly store: string
}

/** WGSL: the kernel. */
export function product(
  { threads, columns, each, pixels }: Tile,
  { begin, reduced, prepare, factor, finish, store }: Direction,
): string {
  const rows = threads / columns
  const stride = pixels + GAP
  /** Pixels whose patches one thread gathers, a quad of each slice; the last may be none of the tile. */
  const gathered = Math.ceil((pixels * SLICE) / threads)
  const isEven = gathered * threads === pixels * SLICE
  const eachPixel = (text: (p: number) => string, between = '\n') =>
    Array.from({ length: each }, (_, p) => text(p)).join(between)
  return `
var<workgroup> windows: array<vec4f, ${SLICE * stride}>;
var<workgroup> panel: array<vec4f, ${SLICE * 4 * columns}>;

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  ${begin}
  let pixels = run.samples * extent.x * extent.y;
  let first = (group.z * groups.y + group.y) * ${pixels}u;
  let firstColumn = (group.x % args.tiles) * ${columns}u;
  if (first >= pixels || firstColumn >= extent.z) { return; }
  let column = thread % ${columns}u;
  let row = thread / ${columns}u;
  var places: array<vec3u, ${gathered}>;
  for (var g = 0u; g < ${gathered}u; g++) {
    let pixel = min(first + thread / ${SLICE}u + g * ${threads / SLICE}u, pixels - 1u);
    let line = pixel / extent.y;
    places[g] = vec3u(line / extent.x, line % extent.x, pixel % extent.y);
  }
  ${eachPixel((p) => `var sum${p} = vec4f();`)}
  for (var f = begin; f < end; f++) {
    let window = filters[f];
    if (flags[window.flag] == 0u) { continue; }
    let reduced = ${reduced};
    let depth = window.kernelHeight * window.kernelWidth * reduced;
    for (var slice = 0u; slice < depth; slice += ${SLICE}u) {
      let own = slice + thread % ${SLICE}u;
      let ownTap = own / reduced;
      let tap = vec2u(ownTap / window.kernelWidth, ownTap % window.kernelWidth);
      ${prepare}
      for (var g = 0u; g < ${gathered}u; g++) {
        var value = vec4f();
        if (own < depth) { value = ${factor}; }
        let pixel = thread / ${SLICE}u + g * ${threads / SLICE}u;
        ${isEven ? '' : `if (pixel < ${pixels}u) `}{ windows[(thread % ${SLICE}u) * ${stride}u + pixel] = value; }
      }
      for (var i = thread; i < ${SLICE * 4 * columns}u; i += ${threads}u) {
        let line = slice * 4u + i / ${columns}u;
        let quad = line / 4u;
        var value = vec4f();
        if (quad < depth) {
          let channel = (quad % reduced) * 4u + line % 4u;
          value = weightsAt(window, quad / reduced, channel, firstColumn + i % ${columns}u);
        }
        panel[i] = value;
      }
      workgroupBarrier();
      for (var q = 0u; q < ${SLICE}u; q++) {
        let w0 = panel[(q * 4u) * ${columns}u + column];
        let w1 = panel[(q * 4u + 1u) * ${columns}u + column];
        let w2 = panel[(q * 4u + 2u) * ${columns}u + column];
        let w3 = panel[(q * 4u + 3u) * ${columns}u + column];
        let at = q * ${stride}u + row;
        ${eachPixel((p) => `{ let x = windows[at + ${p * rows}u]; sum${p} += x.x * w0 + x.y * w1 + x.z * w2 + x.w * w3; }`)}
      }
      workgroupBarrier();
    }
  }
  let sums = array(${eachPixel((p) => `sum${p}`, ', ')});
  ${finish}
  if (firstColumn + column >= extent.z) { return; }
  for (var p = 0u; p < ${each}u; p++) {
    let pixel = first + p * ${rows}u + row;
    if (pixel >= pixels) { return; }
    let at = pixel * extent.z + firstColumn + column;
    ${store}
  }
}
`
}

/**
 * Defines what a GPU kernel is: WGSL code together with a TypeScript list of its buffers and arguments. The WGSL
 * declarations are generated from that list, so that host and kernel always agree on them.
 */

/**
 * How a kernel uses a storage buffer (`read`: read only; `write`: read and write), and the WGSL type of the buffer's
 * elements. `Filter` is the struct in `kernels/records.ts`.
 */
export type Access = `${'read' | 'write'} ${'f32' | 'u32' | 'vec4f' | 'vec4u' | 'Filter'}`

export interface Kernel<B extends string = string, A extends string = string> {
  readonly name: string
  /** The kernel's storage buffers by name, in the order of their bindings. */
  readonly buffers: Readonly<Record<B, Access>>
  /**
   * Names of the kernel's arguments: unsigned numbers that are fixed when the network is compiled; WGSL reads them as
   * `args.NAME`.
   */
  readonly args: readonly A[]
  /** The kernel's WGSL code without declarations of buffers and arguments; its entry point is `main`. */
  readonly code: string
}

/** Returns the given kernel; exists so that TypeScript infers the names of its buffers and arguments. */
export const defineKernel = <const B extends string, const A extends string>(kernel: Kernel<B, A>): Kernel<B, A> =>
  kernel

/**
 * The values that change from run to run, with their WGSL types. All kernels read them as `run.NAME`; `RunNumbers`
 * writes them.
 *
 * `samples`: size of the batch. `pathMasked`: 1 if some paths are switched off. `mode`: 0 training, 1 batch statistics
 * without updates, 2 evaluation. `tally`: index of the tally (loss and counts of a batch) that the run writes.
 * `smoothing`: label smoothing. `labelWeights`: sum of the class weights of the batch's labels. `rate`, `momentum`,
 * `nesterov`, `decay`, `clipNorm`: settings of the SGD step (kernel `sgd`). `factor`: the factor of the kernels `axpy`
 * and `scale`.
 */
export const RUN_FIELDS = {
  samples: 'u32',
  pathMasked: 'u32',
  mode: 'u32',
  tally: 'u32',
  smoothing: 'f32',
  labelWeights: 'f32',
  rate: 'f32',
  momentum: 'f32',
  nesterov: 'u32',
  decay: 'f32',
  clipNorm: 'f32',
  factor: 'f32',
} as const

/**
 * Number of the first WebGPU binding of a kernel's storage buffers; bindings 0 and 1 are the uniforms `run` and `args`.
 */
export const FIRST_BUFFER = 2

/**
 * The 32-bit word that stands for an absent value in records and tables that kernels read; also a constant `NONE` in
 * WGSL. All valid offsets, rows and channel indices are smaller.
 */
export const NONE = 2 ** 32 - 1

/** Returns the complete WGSL module of a kernel: the declarations, then the kernel's code. */
export function sourceOf({ buffers, args, code }: Kernel): string {
  const declarations = Object.entries(buffers).map(([name, access], i) => {
    const [use, type] = access.split(' ')
    return `@group(0) @binding(${FIRST_BUFFER + i}) var<storage, ${use === 'read' ? 'read' : 'read_write'}> ${name}: array<${type}>;`
  })
  const fields = Object.entries(RUN_FIELDS).map(([name, type]) => `${name}: ${type},`)
  return [
    `const NONE = ${NONE}u;`,
    `struct Run { ${fields.join(' ')} }`,
    `struct Args { ${args.map((name) => `${name}: u32,`).join(' ')} }`,
    '@group(0) @binding(0) var<uniform> run: Run;',
    '@group(0) @binding(1) var<uniform> args: Args;',
    ...declarations,
    code,
  ].join('\n')
}

/** Number of threads in a workgroup of the kernels whose entry point `eachItem` returns. */
export const THREADS = 64

/**
 * Returns the WGSL entry point of a kernel that runs `body` once for each item `i` below `count`, in no particular
 * order. The dispatch may have fewer threads than items: each thread then computes several.
 *
 * @param before WGSL that runs first and may define variables for `count` and `body`; `id.y` is the y of the workgroup
 */
export const eachItem = (count: string, body: string, before = ''): string => `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  ${before}
  let count = ${count};
  for (var i = id.x; i < count; i += groups.x * ${THREADS}u) {
    ${body}
  }
}`

/**
 * WGSL function `adds(accumulate)`: tells whether a kernel adds its result to the output buffer (true) or overwrites
 * the buffer (false). Argument 0: overwrites; 1: adds; 2: adds only in steps with switched-off paths (see
 * `Accumulation`).
 */
export const ADDS = `
fn adds(accumulate: u32) -> bool {
  return accumulate == 1u || (accumulate == 2u && run.pathMasked == 1u);
}`

/** Returns `name0`, `name1`, …: the names of `count` buffers or arguments of one kind. */
export const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, j) => `${name}${j}`)

/** Returns a declaration of several kernel buffers that all have the same access and element type. */
export const declare = (names: readonly string[], access: Access): Readonly<Record<string, Access>> =>
  Object.fromEntries(names.map((name) => [name, access]))

/** Returns `text(0)` to `text(count − 1)`, joined by `between`: an unrolled WGSL loop. */
export const unrolled = (count: number, text: (j: number) => string, between = '\n'): string =>
  Array.from({ length: count }, (_, j) => text(j)).join(between)

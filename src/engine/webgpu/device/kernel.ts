/** What a kernel is: WGSL with its buffers and numbers declared from here, so that both sides agree by type. */

/** How a kernel uses a buffer, and as what. `write` also reads. `Filter`: see `kernels/filter.ts`. */
export type Access = `${'read' | 'write'} ${'f32' | 'u32' | 'vec4f' | 'vec4u' | 'Filter'}`

export interface Kernel<B extends string = string, A extends string = string> {
  readonly name: string
  /** In the order of their bindings. */
  readonly buffers: Readonly<Record<B, Access>>
  /** Numbers that are fixed when the network is compiled: the fields of `args`, unsigned. */
  readonly args: readonly A[]
  /** WGSL with the entry point `main`. */
  readonly code: string
}

/** A kernel as it was written; gives types only. */
export const defineKernel = <const B extends string, const A extends string>(kernel: Kernel<B, A>): Kernel<B, A> =>
  kernel

/**
 * What changes from run to run, the same for all kernels; `RunNumbers` in `runNumbers.ts` writes it.
 *
 * `mode`: 0 train, 1 probe, 2 eval. `pathMasked`: 1 where some paths are switched off. `tally`: where the loss goes.
 */
export const RUN_FIELDS = {
  samples: 'u32',
  pathMasked: 'u32',
  mode: 'u32',
  tally: 'u32',
  smoothing: 'f32',
  rate: 'f32',
  momentum: 'f32',
  nesterov: 'u32',
  decay: 'f32',
  clipNorm: 'f32',
  factor: 'f32',
} as const

/** Bindings before the kernel's own buffers. */
export const FIRST_BUFFER = 2

/** The whole module: declarations, then the kernel's code. */
export function sourceOf({ buffers, args, code }: Kernel): string {
  const declarations = Object.entries(buffers).map(([name, access], i) => {
    const [use, type] = access.split(' ')
    return `@group(0) @binding(${FIRST_BUFFER + i}) var<storage, ${use === 'read' ? 'read' : 'read_write'}> ${name}: array<${type}>;`
  })
  const fields = Object.entries(RUN_FIELDS).map(([name, type]) => `${name}: ${type},`)
  return [
    `struct Run { ${fields.join(' ')} }`,
    `struct Args { ${args.map((name) => `${name}: u32,`).join(' ')} }`,
    '@group(0) @binding(0) var<uniform> run: Run;',
    '@group(0) @binding(1) var<uniform> args: Args;',
    ...declarations,
    code,
  ].join('\n')
}

/** Threads of a workgroup where each item has one of its own. */
export const THREADS = 64

/**
 * A kernel body that runs once for each item `i` of `count`, in no order.
 *
 * @param before what `count` needs to know; `id.y` is the workgroup's y
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

/** WGSL: whether a contribution adds to what stands (see `Accumulation`; 2: only where some paths are switched off). */
export const ADDS = `
fn adds(accumulate: u32) -> bool {
  return accumulate == 1u || (accumulate == 2u && run.pathMasked == 1u);
}`

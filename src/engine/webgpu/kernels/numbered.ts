/** Kernels with room for several buffers of one kind: `name0`, `name1`, … */
import type { Access } from '../device/kernel.ts'

/** 0, 1, … */
export const numbered = (count: number): number[] => Array.from({ length: count }, (_, j) => j)

export const readable = (names: readonly string[]): Record<string, Access> =>
  Object.fromEntries(names.map((name) => [name, 'read vec4f']))

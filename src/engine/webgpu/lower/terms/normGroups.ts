/**
 * Normalised values that are never stored and stand side by side, as do the gradients wrt what they become: dispatches
 * take them together.
 */
import type { ValueId } from '../../../../core/network.ts'
import type { Graph } from '../../../graph/graph.ts'
import type { PackedPlaces } from '../filters/packedBuffers.ts'

/** One value with its node, both by their places in their buffers, in bytes. */
export interface GroupedNorm {
  /** Number of the operation. */
  readonly index: number
  readonly value: ValueId
  readonly node: ValueId
  readonly valueOffset: number
  readonly gradientOffset: number
}

/**
 * @param made values the gradients wrt which are not stored either; their moments are collected where they are made
 * @returns groups whose terms follow each other, each by the numbers of its operations
 */
export function groupNorms(
  graph: Graph,
  { outputs, unstored }: PackedPlaces,
  made: ReadonlySet<ValueId>,
): ReadonlyMap<number, readonly GroupedNorm[]> {
  const groups = new Map<number, GroupedNorm[]>()
  let open: { readonly key: readonly unknown[]; readonly group: GroupedNorm[] } | undefined
  graph.operations.forEach((operation, index) => {
    if (operation.kind !== 'combine') return
    const node = operation.output
    const gradient = unstored.get(node)
    const value = operation.terms[0]?.value
    const place = outputs.get(value)
    if (gradient === undefined || place === undefined || !made.has(value)) {
      open = undefined
      return
    }
    const key = [gradient.packedBuffer, place.packedBuffer]
    if (open === undefined || open.key.some((part, i) => part !== key[i])) open = { key, group: [] }
    open.group.push({ index, value, node, valueOffset: place.offset, gradientOffset: gradient.offset })
    groups.set(index, open.group)
  })
  return groups
}

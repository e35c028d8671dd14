/** Values that stand beside each other in one buffer, and so do the gradients wrt them. */
import type { ValueId } from '../../../core/network.ts'
import { alignedForParts } from '../storage.ts'
import { type Draft, type Drafting, outputBytes } from './filterDrafts.ts'
import { quadsOf } from './quads.ts'

export interface Bundle {
  readonly bytes: number
}

/** Where in a bundle a value stands, in bytes. */
export interface BundlePlace {
  readonly bundle: Bundle
  readonly offset: number
}

export interface BundlePlaces {
  /** Outputs of convolutions, beside those of their group. */
  readonly outputs: ReadonlyMap<ValueId, BundlePlace>
  /** Values that are never stored, whose gradients stand beside those of what the same group of filters reads. */
  readonly unstored: ReadonlyMap<ValueId, BundlePlace>
}

export function placeBundles(drafting: Drafting, drafts: readonly Draft[]): BundlePlaces {
  const { graph, batchSize, readThrough } = drafting
  const outputs = drafts.flatMap(({ members }) =>
    bundle(members.map((member) => [member.filter.output, outputBytes(drafting, member)])),
  )
  const unstored = drafts.flatMap(({ parallel, members }) => {
    const inputs = members.map(({ convolution }) => convolution.input)
    if (!parallel || !readThrough.has(inputs[0])) return []
    return bundle(inputs.map((id) => [id, alignedForParts(4 * batchSize * quadsOf(graph.values[id]).perSample)]))
  })
  return { outputs: new Map(outputs), unstored: new Map(unstored) }
}

function bundle(values: readonly (readonly [ValueId, number])[]): (readonly [ValueId, BundlePlace])[] {
  let bytes = 0
  const offsets = values.map(([, own]) => {
    bytes += own
    return bytes - own
  })
  const all = { bytes }
  return values.map(([id], i) => [id, { bundle: all, offset: offsets[i] }] as const)
}

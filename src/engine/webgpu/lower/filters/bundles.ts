/** Values that stand beside each other in one buffer, and so do the gradients wrt them. */
import type { ValueId } from '../../../../core/network.ts'
import { offsetsOf } from '../../../offsets.ts'
import { type Drafting, type GroupDraft, sharedBytes } from './filterDrafts.ts'

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

export function placeBundles(drafting: Drafting, drafts: readonly GroupDraft[]): BundlePlaces {
  const { readThrough } = drafting
  const outputs = drafts.flatMap(({ members }) =>
    bundle(
      drafting,
      members.map(({ filter }) => filter.output),
    ),
  )
  const unstored = drafts.flatMap(({ parallel, members }) => {
    const inputs = members.map(({ convolution }) => convolution.input)
    if (!parallel || !readThrough.has(inputs[0])) return []
    return bundle(drafting, inputs)
  })
  return { outputs: new Map(outputs), unstored: new Map(unstored) }
}

function bundle(drafting: Drafting, values: readonly ValueId[]): (readonly [ValueId, BundlePlace])[] {
  const sizes = values.map((value) => sharedBytes(drafting, value))
  const offsets = offsetsOf(sizes)
  const all = { bytes: sizes.reduce((sum, size) => sum + size, 0) }
  return values.map((value, i) => [value, { bundle: all, offset: offsets[i] }] as const)
}

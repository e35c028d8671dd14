/** Values that stand beside each other in one buffer, and so do the gradients wrt them. */
import type { ValueId } from '../../../../core/network.ts'
import { offsetsOf } from '../../../offsets.ts'
import { type Drafting, type GroupDraft, sharedBytes } from './filterDrafts.ts'

export interface PackedBuffer {
  readonly bytes: number
}

/** Where in a packedBuffer a value stands, in bytes. */
export interface PackedPlace {
  readonly packedBuffer: PackedBuffer
  readonly offset: number
}

export interface PackedPlaces {
  /** Outputs of convolutions, beside those of their group. */
  readonly outputs: ReadonlyMap<ValueId, PackedPlace>
  /** Values that are never stored, whose gradients stand beside those of what the same group of filters reads. */
  readonly unstored: ReadonlyMap<ValueId, PackedPlace>
}

export function placePackedBuffers(drafting: Drafting, drafts: readonly GroupDraft[]): PackedPlaces {
  const { readThrough } = drafting
  const outputs = drafts.flatMap(({ members }) =>
    packedBuffer(
      drafting,
      members.map(({ filter }) => filter.output),
    ),
  )
  const unstored = drafts.flatMap(({ parallel, members }) => {
    const inputs = members.map(({ convolution }) => convolution.input)
    if (!parallel || !readThrough.has(inputs[0])) return []
    return packedBuffer(drafting, inputs)
  })
  return { outputs: new Map(outputs), unstored: new Map(unstored) }
}

function packedBuffer(drafting: Drafting, values: readonly ValueId[]): (readonly [ValueId, PackedPlace])[] {
  const sizes = values.map((value) => sharedBytes(drafting, value))
  const offsets = offsetsOf(sizes)
  const all = { bytes: sizes.reduce((sum, size) => sum + size, 0) }
  return values.map((value, i) => [value, { packedBuffer: all, offset: offsets[i] }] as const)
}

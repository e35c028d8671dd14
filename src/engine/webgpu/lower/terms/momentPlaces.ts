/**
 * Where the moments of normalised values stand, by chunk of pixels. A dense convolution collects those of its outputs
 * tile by tile as it makes them; others are measured by the node that reads them.
 */
import type { ValueId } from '../../../../core/network.ts'
import type { Graph, Norm } from '../../../graph/graph.ts'
import { columnChunks } from '../chunks.ts'
import type { GroupDraft } from '../filters/filterDrafts.ts'
import { tileFor } from '../filters/tiles.ts'
import { quadsOf } from '../quads.ts'

export interface MomentPlace {
  /** In quads. */
  readonly at: number
  readonly pixelsPerChunk: number
  /** Whether the value's producer leaves them there. */
  readonly collected: boolean
  /** Whether there are running statistics that take their place in evaluation, for all that read it. */
  readonly tracked: boolean
}

export interface MomentPlaces {
  readonly values: ReadonlyMap<ValueId, MomentPlace>
  /** Of all. */
  readonly quads: number
}

export function placeMoments(graph: Graph, batchSize: number, drafts: readonly GroupDraft[]): MomentPlaces {
  const tiles = tilePixels(graph, drafts)
  const values = new Map<ValueId, MomentPlace>()
  let quads = 0
  for (const [value, norms] of normsOf(graph)) {
    const extent = quadsOf(graph.values[value])
    const tile = tiles.get(value)
    const pixelsPerChunk = tile ?? columnChunks(extent, batchSize).args.pixelsPerChunk
    const tracked = norms.every(({ statistics }) => statistics !== null)
    values.set(value, { at: quads, pixelsPerChunk, collected: tile !== undefined, tracked })
    quads += Math.ceil((batchSize * extent.pixelsPerSample) / pixelsPerChunk) * 2 * extent.quads
  }
  return { values, quads }
}

/** The normalisations of each value that has any. */
function normsOf({ operations }: Graph): Map<ValueId, Norm[]> {
  const found = new Map<ValueId, Norm[]>()
  for (const operation of operations) {
    if (operation.kind !== 'combine') continue
    for (const { value, norm } of operation.terms) if (norm) found.set(value, [...(found.get(value) ?? []), norm])
  }
  return found
}

/** Pixels of a tile, of all values that dense convolutions make. */
function tilePixels(graph: Graph, drafts: readonly GroupDraft[]): Map<ValueId, number> {
  const dense = drafts.filter(({ kind }) => kind === 'dense')
  const tiled = dense.flatMap(({ members }) => {
    const outputs = members.map(({ filter }) => filter.output)
    const { pixels } = tileFor(Math.max(...outputs.map((output) => quadsOf(graph.values[output]).quads)))
    return outputs.map((output) => [output, pixels] as const)
  })
  return new Map(tiled)
}

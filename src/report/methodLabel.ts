/** What a method is called where it has a row or a picture of its own. */
import { contentName } from '../core/canonicalJson.ts'
import { darts, parseCells, publishedName } from '../spaces/darts/index.ts'
import type { Method } from './methods.ts'

/** Of published cells their name; of other cells that were given the beginning of their hash, for their text is a paragraph. */
export function labelOf({ algorithm, label, runs }: Method): string {
  const { space, algorithm: given } = runs[0].manifest.job
  if (algorithm !== 'genotype' || !space.startsWith(darts.name)) return label
  const written = String(given.options.genotype)
  return publishedName(parseCells(written)) ?? `genotype ${contentName(written).slice(0, 8)}`
}

/** What a method is called where it has a row or a picture of its own. */

import type { Finder } from '../core/result.ts'
import { darts, parseCells, publishedName } from '../spaces/darts/index.ts'
import { contentName } from '../system/json.ts'
import type { Method } from './methods.ts'
import type { RunRecord } from './runRecord.ts'

/**
 * Of published cells their name, and of others that were given what found them, where it is known; else the beginning of
 * their hash, for their text is a paragraph.
 */
export function labelOf({ algorithm, label, runs }: Method): string {
  const { space, algorithm: given } = runs[0].manifest.job
  if (algorithm !== 'genotype' || !space.startsWith(darts.name)) return label
  const written = String(given.options.genotype)
  const finders = runs.flatMap(({ manifest: { foundBy } }) => (foundBy ? finderText(foundBy, runs[0]) : []))
  const finder = finders.length === 0 ? undefined : [...new Set(finders)].join(' and ')
  return publishedName(parseCells(written)) ?? finder ?? `genotype ${contentName(written).slice(0, 8)}`
}

/** `drnas (seed 0)`, with the dataset where that is another than the one trained on. */
function finderText({ algorithm, dataset, seed }: Finder, { manifest }: RunRecord): string {
  const where = dataset === manifest.job.dataset.name ? '' : ` on ${dataset}`
  return `${algorithm} (seed ${seed}${where})`
}

/** The name that cells go by. */
import type { DartsGenotype } from './genotype.ts'
import { format, parse } from './notation.ts'
import { PUBLISHED } from './published.ts'
import { edgesWith, OPERATIONS } from './topology.ts'

/** The published name of these cells, or undefined where no paper of ours has them. */
export function publishedName(genotype: DartsGenotype): string | undefined {
  const text = format(genotype)
  const whole = { name: 'darts', edges: edgesWith(() => OPERATIONS) }
  return Object.entries(PUBLISHED).find(([, published]) => format(parse(whole, published.genotype)) === text)?.[0]
}

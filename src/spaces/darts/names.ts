/** The name that cells go by. */
import type { DartsGenotype } from './genotype.ts'
import { format, parse } from './notation.ts'
import { PUBLISHED } from './published.ts'
import { edgesWith, OPERATIONS } from './topology.ts'

/** The dataset that cells were searched on, where a paper published them; CIFAR-10 for all others. */
export function searchedOn(genotype: DartsGenotype): 'cifar10' | 'imagenet' {
  const name = publishedName(genotype)
  return (name !== undefined && PUBLISHED[name].searchedOn) || 'cifar10'
}

/** The published name of these cells, or undefined where no paper of ours has them. */
export function publishedName(genotype: DartsGenotype): string | undefined {
  const text = format(genotype)
  const whole = { name: 'darts', edges: edgesWith(() => OPERATIONS) }
  return Object.entries(PUBLISHED).find(([, published]) => format(parse(whole, published.genotype)) === text)?.[0]
}

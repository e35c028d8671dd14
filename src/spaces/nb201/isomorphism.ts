/**
 * Which architectures the literature calls the same: by the benchmark's own string (6,466 distinct), and by the function
 * that is left when zeros are taken out (5,390 distinct). Which are one network, weights included: `sameNetwork.ts`.
 */
import type { Nb201Genotype } from './genotype.ts'
import { ARCHITECTURE_COUNT, atIndex } from './officialOrder.ts'
import { edgesInto, NODES, type Operation } from './topology.ts'

/** Zeros. */
const ZERO = '#'
/** The cell's input. */
const INPUT = '0'

/**
 * The benchmark's string of the cell: `none` and operations on zeros are `#`, a skip is its input, sums are sorted. A sum
 * of nothing but zeros passes for something in it, so it tells some equal cells apart. Example: `#+#+#+0`.
 */
export function uniqueString(genotype: Nb201Genotype): string {
  return outputOf(genotype, (terms) => terms.join('+'))
}

/**
 * The function that the cell computes: the same string with the zeros left out of its sums. `#` where the output is
 * disconnected from the input. Sums keep their nesting (a skipped sum is one term), and a shared operation is written
 * as often as it is used.
 */
export function functionOf(genotype: Nb201Genotype): string {
  return outputOf(genotype, (terms) => terms.filter((term) => term !== ZERO).join('+') || ZERO)
}

/** Node 3 as an expression in the input. */
function outputOf({ operations }: Nb201Genotype, sum: (sortedTerms: readonly string[]) => string): string {
  const nodes = [INPUT]
  for (const node of NODES.slice(1)) {
    const terms = edgesInto(node).map(({ index, from }) => apply(operations[index], nodes[from]))
    nodes.push(sum(terms.sort()))
  }
  return nodes[nodes.length - 1]
}

function apply(operation: Operation, input: string): string {
  if (operation === 'none' || input === ZERO) return ZERO
  return operation === 'skip_connect' ? input : `(${input})@${operation}`
}

/** False where nothing of the input reaches the output. */
export const isConnected = (genotype: Nb201Genotype): boolean => functionOf(genotype) !== ZERO

/** All architectures grouped by function: official indices ascending, classes in the order of their lowest index. */
export function functionalClasses(): readonly (readonly number[])[] {
  const classes = new Map<string, number[]>()
  for (let index = 0; index < ARCHITECTURE_COUNT; index++) {
    const name = functionOf(atIndex(index))
    const members = classes.get(name)
    if (members === undefined) classes.set(name, [index])
    else members.push(index)
  }
  return [...classes.values()]
}

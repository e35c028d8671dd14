/**
 * Which parts of a graph a step needs, given which coefficients are active: a term counts where all its factors are
 * active and its node is needed; an operation, where one of its readers is.
 *
 * Every operation, and every term or filter of one, has a number; flags are bytes indexed by it.
 */
import { type Graph, inputsOf, type Operation, outputsOf, rootsOf } from './graph.ts'

export class Activity {
  readonly #graph: Graph
  readonly #first: readonly number[]
  readonly #needed: Uint8Array
  /** 1 where needed whatever the coefficients. */
  readonly #always: Uint8Array
  /** Number of flags. */
  readonly count: number

  constructor(graph: Graph) {
    this.#graph = graph
    let count = 0
    this.#first = graph.operations.map((operation) => {
      const first = count
      count += 1 + partsOf(operation)
      return first
    })
    this.count = count
    this.#needed = new Uint8Array(graph.values.length)
    this.#always = new Uint8Array(count)
    this.resolve(new Uint8Array(graph.network.coefficientCount), this.#always)
  }

  /** Number of a part's flag. @param part which term of a combine, filter of a convolve */
  ofPart(operation: number, part: number): number {
    return this.#first[operation] + 1 + part
  }

  /** The flag without which an operation as a whole is left out; −1 where it always runs. */
  condition(operation: number): number {
    return this.#unlessAlways(this.#first[operation])
  }

  /** The same of a term or filter. */
  partCondition(operation: number, part: number): number {
    return this.#unlessAlways(this.ofPart(operation, part))
  }

  /** Sets all flags for these active coefficients. */
  resolve(active: Uint8Array, flags: Uint8Array): void {
    const needed = this.#needed.fill(0)
    for (const root of rootsOf(this.#graph.network)) needed[root] = 1
    for (let i = this.#graph.operations.length - 1; i >= 0; i--) {
      const operation = this.#graph.operations[i]
      const first = this.#first[i]
      flags[first] = outputsOf(operation).some((output) => needed[output]) ? 1 : 0
      if (operation.kind === 'combine') {
        operation.terms.forEach(({ value, factors }, part) => {
          const enabled = flags[first] && factors.every((factor) => active[factor]) ? 1 : 0
          flags[first + 1 + part] = enabled
          needed[value] |= enabled
        })
        continue
      }
      if (operation.kind === 'convolve') {
        operation.filters.forEach(({ output }, part) => {
          flags[first + 1 + part] = needed[output]
        })
      }
      for (const input of inputsOf(operation)) needed[input] |= flags[first]
    }
  }

  #unlessAlways(flag: number): number {
    return this.#always[flag] ? -1 : flag
  }
}

const partsOf = (operation: Operation) =>
  operation.kind === 'combine' ? operation.terms.length : operation.kind === 'convolve' ? operation.filters.length : 0

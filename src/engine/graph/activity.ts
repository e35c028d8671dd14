/**
 * Decides which parts of a graph a training step must compute when some paths are switched off. A term of a sum is
 * needed if all its mixing coefficients are active and the sum is needed; an operation is needed if something needed
 * reads one of its outputs.
 */
import { type Graph, inputsOf, type Operation, outputsOf, rootsOf } from './graph.ts'

/**
 * The activity flags of a graph: one byte for every operation, every term of a sum and every filter of a convolution. A
 * flag is 1 if the step must compute that part, else 0.
 */
export class Activity {
  readonly #graph: Graph
  readonly #first: readonly number[]
  readonly #needed: Uint8Array
  /**
   * The flags in a step in which no mixing coefficient is active: parts whose flag is 1 here are computed in every
   * step.
   */
  readonly #always: Uint8Array
  /** Number of activity flags of the graph. */
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

  /**
   * Returns the position of the activity flag of a term of a sum, or of a filter of a convolution.
   *
   * @param part index of the term in its sum, or of the filter in its convolution
   */
  ofPart(operation: number, part: number): number {
    return this.#first[operation] + 1 + part
  }

  /** Returns the position of the activity flag that decides whether an operation runs; −1 if it always runs. */
  condition(operation: number): number {
    return this.#unlessAlways(this.#first[operation])
  }

  /**
   * Returns the position of the activity flag that decides whether a term or filter is computed; −1 if it always is.
   */
  partCondition(operation: number, part: number): number {
    return this.#unlessAlways(this.ofPart(operation, part))
  }

  /**
   * Computes all activity flags for one step, in one pass from the outputs of the graph to its input.
   *
   * @param active for each mixing coefficient 1 if the input that it multiplies is computed, else 0
   * @param flags receives the flags; its length is `count`
   */
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

/** Encodes a plan's dispatches. The list for each section and situation is chosen once and kept. */

import type { Situation } from '../../plan/situation.ts'
import type { BoundDispatch, Program } from '../plan/program.ts'
import type { Section } from '../plan/situation.ts'

export class Replay {
  readonly #program: Program
  readonly #most: number
  readonly #lists = new Map<string, readonly BoundDispatch[]>()

  /** @param most workgroups of kernels that can do with fewer */
  constructor(program: Program, most: number) {
    this.#program = program
    this.#most = most
  }

  /** @param flags which conditional dispatches run; absent: all */
  encode(
    pass: GPUComputePassEncoder,
    section: Section,
    situation: Situation,
    samples: number,
    flags: Uint8Array | undefined,
  ): void {
    let standing: GPUComputePipeline | undefined
    for (const { pipeline, bindings, grid, condition } of this.dispatches(section, situation)) {
      if (flags !== undefined && condition >= 0 && flags[condition] === 0) continue
      const [x, y, z] = grid(samples, this.#most)
      if (pipeline !== standing) pass.setPipeline(pipeline)
      standing = pipeline
      pass.setBindGroup(0, bindings)
      pass.dispatchWorkgroups(x, y, z)
    }
  }

  dispatches(section: Section, situation: Situation): readonly BoundDispatch[] {
    const { mode, weights, coefficients, gated, taking } = situation
    const key = `${section} ${mode} ${weights} ${coefficients} ${gated} ${taking}`
    let list = this.#lists.get(key)
    if (list === undefined) {
      list = this.#program.bind(section, situation)
      this.#lists.set(key, list)
    }
    return list
  }
}

/** Encodes a plan's dispatches. The list for each section and situation is chosen once and kept. */

import { once } from '../../plan/once.ts'
import { isOff, nameOf, type Situation } from '../../plan/situation.ts'
import type { BoundDispatch, Program, Section } from '../plan/program.ts'

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
    for (const { pipeline, bindings, grid, condition } of this.#dispatches(section, situation)) {
      if (isOff(flags, condition)) continue
      const [x, y, z] = grid(samples, this.#most)
      if (pipeline !== standing) pass.setPipeline(pipeline)
      standing = pipeline
      pass.setBindGroup(0, bindings)
      pass.dispatchWorkgroups(x, y, z)
    }
  }

  #dispatches(section: Section, situation: Situation): readonly BoundDispatch[] {
    const key = `${section} ${nameOf(situation)}`
    return once(this.#lists, key, () => this.#program.bind(section, situation))
  }
}

/** A search whose answer is known before it starts: a first sample, a reference architecture. */
import type { Search } from '../core/algorithm.ts'
import type { Genotype } from '../core/space.ts'

export const fixed = (genotype: Genotype): Search => ({
  epochs: 1,
  epoch: async () => ({}),
  genotype: () => genotype,
  save: async () => ({}),
  restore() {},
  dispose() {},
})

/** The built-in algorithms, in the order of `bench list algos`: gradient-based, then black-box. */
import type { Algorithm } from '../core/algorithm.ts'
import { dartsV1, dartsV2 } from './darts.ts'
import { drnas } from './drnas.ts'
import { randomSearch } from './randomSearch.ts'

export const builtinAlgorithms = {
  'darts-v1': dartsV1,
  'darts-v2': dartsV2,
  drnas,
  random: randomSearch,
} satisfies Record<string, Algorithm>

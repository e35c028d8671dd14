/** The built-in search spaces by name. */
import type { SearchSpace } from '../core/space.ts'
import { darts, dartsS1, dartsS2, dartsS3, dartsWithoutNone } from './darts/index.ts'
import { nb201 } from './nb201/index.ts'

export const builtinSpaces = {
  nb201,
  darts,
  'darts-no-none': dartsWithoutNone,
  'darts-s1': dartsS1,
  'darts-s2': dartsS2,
  'darts-s3': dartsS3,
} satisfies Record<string, SearchSpace>

/** The built-in search spaces by name. */
import { unknownName } from '../core/names.ts'
import type { SearchSpace } from '../core/space.ts'
import { darts, dartsS1, dartsS2, dartsS3, dartsS4, dartsWithoutNone } from './darts/index.ts'
import { nb201 } from './nb201/index.ts'

export const builtinSpaces = {
  nb201,
  darts,
  'darts-no-none': dartsWithoutNone,
  'darts-s1': dartsS1,
  'darts-s2': dartsS2,
  'darts-s3': dartsS3,
  'darts-s4': dartsS4,
} satisfies Record<string, SearchSpace>

/** @throws BenchError `unknown-name` with the nearest built-in space */
export function builtinSpace(name: string): SearchSpace {
  const spaces: Readonly<Record<string, SearchSpace>> = builtinSpaces
  if (spaces[name] === undefined) throw unknownName('space', name, Object.keys(spaces))
  return spaces[name]
}

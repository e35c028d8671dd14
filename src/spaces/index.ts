/** The built-in search spaces, and the registration of the search spaces of plugins. */

import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { definePlugin, type Registry } from '../core/plugin.ts'
import type { SearchSpace } from '../core/space.ts'
import { registerPlugins } from '../system/plugins.ts'
import { darts, dartsS1, dartsS2, dartsS3, dartsS4, dartsWithoutNone } from './darts/index.ts'
import { nb201 } from './nb201/index.ts'

/** The built-in search spaces by name. */
export const builtinSpaces: Readonly<Record<string, SearchSpace>> = {
  nb201,
  darts,
  'darts-no-none': dartsWithoutNone,
  'darts-s1': dartsS1,
  'darts-s2': dartsS2,
  'darts-s3': dartsS3,
  'darts-s4': dartsS4,
} satisfies Record<string, SearchSpace>

const builtins = definePlugin({ name: 'built in', spaces: Object.values(builtinSpaces) })

/** The registered search spaces: the built-in ones and those of the plugins that the user names. */
export interface OpenSpaces {
  readonly registry: Registry
  /**
   * Finds a registered search space by its name.
   * @throws BenchError `unknown-name`, whose message says how to name a plugin
   */
  space(name: string): SearchSpace
  /** Returns the content hash of the plugin that defines a search space; undefined for a built-in space. */
  originOf(space: SearchSpace): string | undefined
}

/**
 * Registers the built-in search spaces and those of plugins, for commands and worker processes that need no algorithm.
 * @param plugins files or names of packages, as after `--plugin`
 */
export async function openSpaces(plugins: readonly string[]): Promise<OpenSpaces> {
  const { registry, origins } = await registerPlugins(builtins, plugins)
  return {
    registry,
    originOf: (space) => origins.get(space),
    space(name) {
      const found = registry.spaces.find((space) => space.name === name)
      if (found !== undefined) return found
      const { message } = unknownName(
        'space',
        name,
        registry.spaces.map((space) => space.name),
      )
      throw new BenchError('unknown-name', `${message}; a space of a plugin needs --plugin FILE`)
    },
  }
}

/** The built-in search spaces, and the registration of the search spaces of plugins. */

import { BenchError } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'
import { definePlugin, type Registry } from '../core/plugin.ts'
import type { Genotype, SearchSpace } from '../core/space.ts'
import { registerPlugins } from '../system/plugins.ts'
import { darts, dartsS1, dartsS2, dartsS3, dartsS4, dartsWithoutNone } from './darts/index.ts'
import { nb201, nb201WithoutNone } from './nb201/index.ts'

/** The built-in search spaces by name. */
export const builtinSpaces: Readonly<Record<string, SearchSpace>> = {
  nb201,
  'nb201-no-none': nb201WithoutNone,
  darts,
  'darts-no-none': dartsWithoutNone,
  'darts-s1': dartsS1,
  'darts-s2': dartsS2,
  'darts-s3': dartsS3,
  'darts-s4': dartsS4,
} satisfies Record<string, SearchSpace>

/** An architecture, and the search space that reads its text. */
export interface ReadArchitecture {
  readonly space: SearchSpace
  readonly genotype: Genotype
}

/**
 * Reads an architecture in any notation that one of the spaces knows: its text, its index in a numbered space, or the
 * name under which a paper published it. The first space that reads the text counts.
 * @param spaces absent: the built-in search spaces
 * @throws BenchError `bad-input` or `unknown-name` of the space whose notation the text resembles
 */
export function parseArchitecture(
  text: string,
  spaces: readonly SearchSpace[] = Object.values(builtinSpaces),
): ReadArchitecture {
  for (const space of spaces) {
    try {
      return { space, genotype: parseIn(space, text) }
    } catch {
      // Another space may read the text.
    }
  }
  const resembled = INDEX.test(text) || /\|\s*[\w-]+\s*~/.test(text) ? nb201 : darts
  const space = spaces.find(({ name }) => name === resembled.name) ?? spaces[0]
  return { space, genotype: parseIn(space, text) }
}

const INDEX = /^\s*#?(\d+)\s*$/

/**
 * Reads an architecture of one search space: its text, its index, or its published name. The space that has its
 * family's name also reads architectures of the family's other spaces.
 * @throws BenchError `bad-input` or `unknown-name`
 */
export function parseIn(space: SearchSpace, text: string): Genotype {
  const { numbering, family } = space
  const index = INDEX.exec(text)?.[1]
  if (index !== undefined && numbering) return numbering.at(Number(index))
  return family?.name === space.name ? family.parse(text) : space.parse(text)
}

/**
 * Returns the short name of an architecture: the one under which a paper published it, or its index (`#6111`) in a
 * numbered space; undefined if it has neither.
 * @param text text of the architecture, as its family or space writes it
 */
export function architectureName({ family, numbering, parse }: SearchSpace, text: string): string | undefined {
  const published = family?.publishedName?.(family.parse(text))
  return published ?? (numbering && `#${numbering.indexOf(parse(text))}`)
}

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

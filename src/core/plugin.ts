/**
 * Plugins, and the registry of algorithms, spaces and scores. Built-in and third-party plugins register in the same
 * way.
 */
import type { Algorithm } from './algorithm.ts'
import { BenchError } from './errors.ts'
import { unknownName } from './names.ts'
import type { RankScore, Score } from './score.ts'
import type { SearchSpace } from './space.ts'

export interface Plugin {
  readonly name: string
  readonly algorithms?: readonly Algorithm[]
  readonly spaces?: readonly SearchSpace[]
  readonly scores?: readonly (Score | RankScore)[]
  /**
   * Loaders of plugins that are not JavaScript, such as external programs. Only loaders of built-in plugins are used.
   */
  readonly loaders?: readonly PluginLoader[]
}

/** A plugin, and a text that identifies its content: the file's name and hash, or the package's name and version. */
export interface LoadedPlugin {
  readonly plugin: Plugin
  readonly origin: string
}

/** Loads plugins of one kind. */
export interface PluginLoader {
  /** Returns whether a source of a plugin (path of a file, or name of a package) is of this kind. */
  accepts(source: string): boolean
  /** Loads the plugin from its source. @throws BenchError if the plugin is missing or malformed */
  load(source: string): Promise<LoadedPlugin>
}

/**
 * Returns the definition of a plugin unchanged. Its only use is that TypeScript checks the types of the definition, and
 * infers those left out.
 */
export const definePlugin = (plugin: Plugin): Plugin => plugin

export class Registry {
  readonly #algorithms = new Map<string, Algorithm>()
  readonly #spaces = new Map<string, SearchSpace>()
  readonly #scores = new Map<string, Score | RankScore>()

  /**
   * Adds the algorithms, spaces and scores of a plugin to the registry.
   * @throws BenchError `bad-input` if a name is already registered
   */
  register(plugin: Plugin): this {
    for (const algorithm of plugin.algorithms ?? []) add(this.#algorithms, 'algorithm', algorithm, plugin)
    for (const space of plugin.spaces ?? []) add(this.#spaces, 'space', space, plugin)
    for (const score of plugin.scores ?? []) add(this.#scores, 'score', score, plugin)
    return this
  }

  get algorithms(): readonly Algorithm[] {
    return [...this.#algorithms.values()]
  }

  get spaces(): readonly SearchSpace[] {
    return [...this.#spaces.values()]
  }

  get scores(): readonly (Score | RankScore)[] {
    return [...this.#scores.values()]
  }

  /** Returns the algorithm of this name. @throws BenchError `unknown-name` with the nearest known name */
  algorithm(name: string): Algorithm {
    return find(this.#algorithms, 'algorithm', name, 'bench list algos')
  }

  /** Returns the space of this name. @throws BenchError `unknown-name` with the nearest known name */
  space(name: string): SearchSpace {
    return find(this.#spaces, 'space', name, 'bench list spaces')
  }

  /** Returns the score of this name. @throws BenchError `unknown-name` with the nearest known name */
  score(name: string): Score | RankScore {
    return find(this.#scores, 'score', name, 'bench list scores')
  }
}

function add<T extends { readonly name: string }>(map: Map<string, T>, what: string, item: T, plugin: Plugin): void {
  if (map.has(item.name)) {
    throw new BenchError('bad-input', `plugin ${plugin.name}: ${what} "${item.name}" is already registered; rename it`)
  }
  map.set(item.name, item)
}

function find<T>(map: ReadonlyMap<string, T>, what: string, name: string, listing: string): T {
  const found = map.get(name)
  if (found === undefined) throw unknownName(what, name, map.keys(), listing)
  return found
}

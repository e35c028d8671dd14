/**
 * Loads plugins: TypeScript or JavaScript files, or installed packages, whose default export brings algorithms, search
 * spaces or scores. Checks that the export has the shape of a plugin, and hashes the plugin's source files for the
 * identity of jobs.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Jiti } from 'jiti'
import { z } from 'zod'
import type { Algorithm } from '../core/algorithm.ts'
import { BenchError } from '../core/errors.ts'
import { problemIn } from '../core/parseRecord.ts'
import { type LoadedPlugin, type Plugin, Registry } from '../core/plugin.ts'
import type { RankScore, Score } from '../core/score.ts'
import type { SearchSpace } from '../core/space.ts'
import { statIfThere } from './readable.ts'

/** The registry of the algorithms, search spaces and scores that can be used, and the plugins that define them. */
export interface Registered {
  readonly registry: Registry
  /**
   * For each algorithm, search space and score from a plugin: the name and content hash (or version) of the plugin,
   * which are part of the identity of jobs. Built-in ones are not contained.
   */
  readonly origins: ReadonlyMap<Algorithm | SearchSpace | Score | RankScore, string>
  /** The loaded plugins by source: the path or package name that the user gave. */
  readonly plugins: ReadonlyMap<string, Plugin>
}

/** File name endings of plugins in JavaScript or TypeScript. */
export const FILE_ENDINGS: ReadonlySet<string> = new Set(['.ts', '.mts', '.js', '.mjs'])

/** File name endings of plugins that are external programs, or YAML files that describe one. */
export const PROGRAM_ENDINGS: ReadonlySet<string> = new Set(['.py', '.yaml', '.yml'])

/**
 * Registers the built-in algorithms, search spaces and scores and those of the named plugins.
 * @param builtins the plugin with the built-in ones
 * @param sources paths of plugin files (`./my-search.ts`) or programs (`./my_search.py`), or names of npm packages
 * @throws BenchError `missing`, or `bad-input` if a file is not a plugin or a name is already registered
 */
export async function registerPlugins(builtins: Plugin, sources: readonly string[]): Promise<Registered> {
  const registry = new Registry().register(builtins)
  const origins = new Map<Algorithm | SearchSpace | Score | RankScore, string>()
  const plugins = new Map<string, Plugin>()
  for (const source of sources) {
    const loader = builtins.loaders?.find((each) => each.accepts(source))
    const { plugin, origin } = await (loader?.load(source) ?? loadPlugin(source))
    registry.register(plugin)
    plugins.set(source, plugin)
    const { algorithms = [], spaces = [], scores = [] } = plugin
    for (const item of [...algorithms, ...spaces, ...scores]) origins.set(item, origin)
  }
  return { registry, origins, plugins }
}

/**
 * Loads the plugin that a file or package has as its default export. `origin` identifies its content: the file's name
 * and hash, or the package's name and version.
 */
export async function loadPlugin(source: string): Promise<LoadedPlugin> {
  const found = isPluginFile(source) ? { path: locateFile(source) } : locatePackage(source)
  const jiti = await openJiti()
  const plugin = await importDefault(found.path, source, jiti)
  const problem = pluginProblem(plugin)
  if (problem !== undefined) {
    const expected = 'its default export is to be definePlugin({ name, algorithms: [ … ] })'
    throw new BenchError('bad-input', `plugin ${source}: ${problem}; ${expected}`)
  }
  return {
    plugin: plugin as Plugin,
    origin: 'version' in found ? `${source}@${found.version}` : pluginContent(found.path, jiti),
  }
}

/** Returns whether a plugin is given by a file path rather than the name of an npm package. */
export const isPluginFile = (source: string): boolean =>
  FILE_ENDINGS.has(extname(source)) ||
  PROGRAM_ENDINGS.has(extname(source)) ||
  /^\.{0,2}[/\\]/.test(source) ||
  isAbsolute(source)

function locateFile(source: string): string {
  const path = resolve(source)
  const found = statIfThere(path)
  if (found === undefined)
    throw new BenchError('missing', `plugin ${source}: there is no file ${path}; give its path from this folder`)
  if (!found.isFile()) throw new BenchError('bad-input', `plugin ${source} is no file; name the one to import`)
  return path
}

/** Returns the error for a file of another kind, or a folder, that is named as a plugin. */
export function noPlugin(source: string): BenchError {
  const files = [...FILE_ENDINGS, ...PROGRAM_ENDINGS].join(', ')
  const expected = `a file ending in ${files}, another program that may be executed, or the name of a package`
  return new BenchError('bad-input', `${source} is no plugin; expected ${expected}`)
}

/**
 * Finds an installed npm package as an import from the current folder would, and returns its path and version. Works
 * even if the package does not export its `package.json`.
 */
function locatePackage(source: string): { readonly path: string; readonly version: string } {
  const require = createRequire(join(process.cwd(), 'package.json'))
  const manifest = require.resolve
    .paths(source)
    ?.map((folder) => join(folder, source, 'package.json'))
    .find((path) => existsSync(path))
  if (manifest === undefined && statIfThere(resolve(source)) !== undefined) throw noPlugin(source)
  if (manifest === undefined) {
    throw new BenchError('missing', `plugin ${source}: no such package here; install it with npm install ${source}`)
  }
  return { path: source, version: JSON.parse(readFileSync(manifest, 'utf8')).version }
}

/**
 * Creates the loader of plugins (jiti), which also runs TypeScript. A plugin outside of any npm project can import this
 * package and zod. Compiled files are not cached: the loader would keep them in a temporary folder that all users of
 * the machine share, and run what it finds there.
 */
async function openJiti(): Promise<Jiti> {
  const { createJiti } = await import('jiti')
  // The built package, also where this file runs from source, in tests: jiti would compile all sources, which takes seconds.
  const own = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
  const zod = fileURLToPath(import.meta.resolve('zod'))
  const here = pathToFileURL(join(process.cwd(), 'package.json')).href
  return createJiti(here, {
    alias: { 'nas-bench-harness': own, zod },
    interopDefault: true,
    fsCache: false,
    esmEvalTempFile: false,
  })
}

/** Loads the default export of a plugin. @param path path of a file, or name of an npm package */
async function importDefault(path: string, source: string, jiti: Jiti): Promise<unknown> {
  try {
    return await jiti.import(isAbsolute(path) ? pathToFileURL(path).href : path, { default: true })
  } catch (cause) {
    const reason = asWritten(String((cause as Error | null)?.message ?? cause).replace(/\s*\n\s*/g, ' '))
    throw new BenchError('bad-input', `plugin ${source} cannot be loaded: ${reason}`, { cause })
  }
}

/**
 * Returns an error message with the names of imports as the plugin's author wrote them, since the loader renames them.
 */
export const asWritten = (message: string): string =>
  message.replace(/\(0 , _\w+\.(\w+)\)|\b_\w+\.(?=\w+ is not)/g, '$1')

/**
 * Returns the plugin file's name and content hash, `my-search.ts@sha256:…`. The hash covers the contents and paths of
 * the file and of all files that it imports by relative paths, but not npm packages.
 */
function pluginContent(path: string, jiti: Jiti): string {
  const [own, ...imported] = importedFiles(path, jiti)
  const hash = createHash('sha256').update(readFileSync(own))
  for (const file of imported.sort()) {
    hash.update(`\0${relative(dirname(path), file).replaceAll(sep, '/')}\0`).update(readFileSync(file))
  }
  return `${basename(path)}@sha256:${hash.digest('hex')}`
}

/** Returns the path of the plugin file and of all files that it imports, directly or indirectly, by relative paths. */
function importedFiles(path: string, jiti: Jiti): string[] {
  const found = new Set([path])
  for (const file of found) {
    for (const specifier of relativeImports(file, jiti)) {
      const url = jiti.esmResolve(specifier, { parentURL: pathToFileURL(file).href, try: true })
      if (url !== undefined) found.add(fileURLToPath(url))
    }
  }
  return [...found]
}

/**
 * Returns the relative paths that a plugin file imports. They are found in the code to which the loader compiles the
 * file: there every import is a call with one string. A string that is not an import is ignored later, since it does
 * not resolve to a file.
 */
function relativeImports(filename: string, jiti: Jiti): string[] {
  if (!/^\.[cm]?[jt]sx?$/.test(extname(filename))) return []
  const source = readFileSync(filename, 'utf8')
  const code = jiti.transform({ source, filename, ts: /\.[cm]?ts$/.test(filename), async: true })
  return [...code.matchAll(/\((["'`])(\.{1,2}\/[^"'`\n]+)\1\)/g)].map(([, , specifier]) => specifier)
}

const itemName = z.string().regex(/^[\p{L}\p{N}._-]+$/u, 'expected letters, digits, hyphens and no spaces')

const isFunction = (value: unknown) => typeof value === 'function'
const method = z.custom(isFunction, 'expected a function')

/** Schema of the fields of an algorithm that `bench run` and `bench list` read before they call the algorithm. */
const algorithmShape = z.object({
  name: itemName,
  version: z.int(),
  description: z.string(),
  source: z.string(),
  kind: z.enum(['supernet', 'black-box', 'reference']),
  spaces: z.array(z.string()).optional(),
  options: z.custom(
    (value) => isFunction((value as z.ZodType | null)?.safeParse),
    'expected a schema, as z.strictObject({})',
  ),
  search: method,
})

const spaceShape = z.object({ name: itemName, edges: z.array(z.unknown()), parse: method, format: method })

/**
 * Schema of the fields of a score. A score that combines ranks by other scores has `parts` and `combine` in place of
 * `compute`.
 */
const scoreShape = z
  .object({
    name: itemName,
    version: z.int(),
    description: z.string(),
    source: z.string(),
    better: z.enum(['higher', 'lower']),
    reads: z.enum(['architecture', 'weights', 'noise', 'images', 'labels']).optional(),
    smallestBatch: z.int().min(1).optional(),
    layers: z.enum(['output', 'network']).optional(),
    parts: z.array(z.string()).min(1).optional(),
    compute: method.optional(),
    combine: method.optional(),
  })
  .refine(
    ({ reads, layers, compute, parts, combine }) => (compute && reads && layers) || (parts && combine),
    'expected reads, layers and compute (or parts and combine of a score of ranks)',
  )

const pluginShape = z
  .object({
    name: z.string(),
    algorithms: z.array(algorithmShape).optional(),
    spaces: z.array(spaceShape).optional(),
    scores: z.array(scoreShape).optional(),
  })
  .refine(
    ({ algorithms, spaces, scores }) => algorithms ?? spaces ?? scores,
    'it has neither algorithms nor spaces nor scores',
  )

/** Returns why a value is not a valid plugin; undefined if it is one. */
function pluginProblem(value: unknown): string | undefined {
  const { error } = pluginShape.safeParse(value)
  return error && problemIn(error)
}

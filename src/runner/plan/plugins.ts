/** Loading a user's plugins: TypeScript or JavaScript files, or installed packages. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { extname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Jiti } from 'jiti'
import type { Algorithm } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import { type Plugin, Registry } from '../../core/plugin.ts'
import type { SearchSpace } from '../../core/space.ts'
import { statIfThere } from '../../system/readable.ts'
import { pluginContent } from './pluginContent.ts'
import { pluginProblem } from './pluginShape.ts'

/** Everything that can be named on the command line, and where it is from. */
export interface Registered {
  readonly registry: Registry
  /** Content of the plugin that brings it, for the identity of jobs; without what is built in. */
  readonly origins: ReadonlyMap<Algorithm | SearchSpace, string>
}

const FILE_ENDINGS: ReadonlySet<string> = new Set(['.ts', '.mts', '.js', '.mjs'])

/**
 * @param builtins the package's own plugin
 * @param sources files (`./my-search.ts`) or names of packages
 * @throws BenchError `missing`, or `bad-input` where a file is no plugin or a name is taken
 */
export async function registerPlugins(builtins: Plugin, sources: readonly string[]): Promise<Registered> {
  const registry = new Registry().register(builtins)
  const origins = new Map<Algorithm | SearchSpace, string>()
  for (const source of sources) {
    const { plugin, origin } = await loadPlugin(source)
    registry.register(plugin)
    for (const item of [...(plugin.algorithms ?? []), ...(plugin.spaces ?? [])]) origins.set(item, origin)
  }
  return { registry, origins }
}

/** The plugin that a file or package exports as its default, and what tells its content. */
export async function loadPlugin(source: string): Promise<{ readonly plugin: Plugin; readonly origin: string }> {
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

/** Whether a plugin is named by its path, and not as a package. */
export const isPluginFile = (source: string): boolean =>
  FILE_ENDINGS.has(extname(source)) || /^\.{0,2}[/\\]/.test(source) || isAbsolute(source)

function locateFile(source: string): string {
  const path = resolve(source)
  const found = statIfThere(path)
  if (found === undefined) throw new BenchError('missing', `plugin ${source}: there is no file ${path}`)
  if (!found.isFile()) throw new BenchError('bad-input', `plugin ${source} is no file; name the one to import`)
  return path
}

/** A package as the user's own folder sees it; its `package.json` need not be among its exports. */
function locatePackage(source: string): { readonly path: string; readonly version: string } {
  const require = createRequire(join(process.cwd(), 'package.json'))
  const manifest = require.resolve
    .paths(source)
    ?.map((folder) => join(folder, source, 'package.json'))
    .find((path) => existsSync(path))
  if (manifest === undefined) {
    throw new BenchError('missing', `plugin ${source}: no such package here; install it with npm install ${source}`)
  }
  return { path: source, version: JSON.parse(readFileSync(manifest, 'utf8')).version }
}

/**
 * Runs TypeScript, too. A plugin outside of any npm project still finds the package that runs it. Compiled files are not
 * kept: the loader would keep them in a temporary folder that all users of the machine share, and run what it finds there.
 */
async function openJiti(): Promise<Jiti> {
  const { createJiti } = await import('jiti')
  const own = fileURLToPath(new URL('../../index.js', import.meta.url))
  const zod = fileURLToPath(import.meta.resolve('zod'))
  const here = pathToFileURL(join(process.cwd(), 'package.json')).href
  return createJiti(here, {
    alias: { 'nas-bench-harness': own, zod },
    interopDefault: true,
    fsCache: false,
    esmEvalTempFile: false,
  })
}

/** @param path of a file, or the name of a package */
async function importDefault(path: string, source: string, jiti: Jiti): Promise<unknown> {
  try {
    return await jiti.import(isAbsolute(path) ? pathToFileURL(path).href : path, { default: true })
  } catch (cause) {
    const reason = asWritten(String((cause as Error | null)?.message ?? cause).replace(/\s*\n\s*/g, ' '))
    throw new BenchError('bad-input', `plugin ${source} cannot be loaded: ${reason}`, { cause })
  }
}

/** A message in the words of a plugin's author: the loader has renamed what the plugin imports. */
export const asWritten = (message: string): string =>
  message.replace(/\(0 , _\w+\.(\w+)\)|\b_\w+\.(?=\w+ is not)/g, '$1')

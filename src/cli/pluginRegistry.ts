/** Opens search spaces and names reference algorithms, including those of the plugins that a command names. */
import type { Registry } from '../core/plugin.ts'

const opened = new Map<string, Promise<Registry>>()

/**
 * Returns the registry of built-in algorithms and search spaces and those of the plugins. It is made once for each list
 * of plugins.
 */
export function openRegistry(plugins: readonly string[]): Promise<Registry> {
  const key = plugins.join('\n')
  const registry = opened.get(key) ?? register(plugins)
  opened.set(key, registry)
  return registry
}

async function register(plugins: readonly string[]): Promise<Registry> {
  const [{ builtins }, { registerPlugins }] = await Promise.all([
    import('../builtins.ts'),
    import('../system/plugins.ts'),
  ])
  return (await registerPlugins(builtins, plugins)).registry
}

/** Returns the search space with a name, built in or from a plugin. @throws BenchError `unknown-name` */
export const spaceOf = async (name: string, plugins: readonly string[]) => (await openRegistry(plugins)).space(name)

/**
 * Returns the names of the reference algorithms, which answer with a fixed architecture, such as the table's best, and
 * do not search.
 */
export async function referenceNames(plugins: readonly string[]): Promise<ReadonlySet<string>> {
  const { algorithms } = await openRegistry(plugins)
  return new Set(algorithms.filter(({ kind }) => kind === 'reference').map(({ name }) => name))
}

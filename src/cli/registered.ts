/** Spaces and algorithms by name, built in or brought by the plugins that a command names. Loaded when asked for. */
import type { Registry } from '../core/plugin.ts'

const opened = new Map<string, Promise<Registry>>()

/** Once for each list of plugins. */
function registered(plugins: readonly string[]): Promise<Registry> {
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

/** @throws BenchError `unknown-name` */
export const spaceOf = async (name: string, plugins: readonly string[]) => (await registered(plugins)).space(name)

/** The algorithms that answer with a fixed architecture, such as the optimum. */
export async function referenceNames(plugins: readonly string[]): Promise<ReadonlySet<string>> {
  const { algorithms } = await registered(plugins)
  return new Set(algorithms.filter(({ kind }) => kind === 'reference').map(({ name }) => name))
}

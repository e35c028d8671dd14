/** The built-in algorithms and search spaces as a plugin, registered like the plugins of users. */
import { programLoader } from './algorithms/external/index.ts'
import { builtinAlgorithms } from './algorithms/index.ts'
import { definePlugin } from './core/plugin.ts'
import { builtinSpaces } from './spaces/index.ts'

/** The plugin with all algorithms and search spaces that come with the package. */
export const builtins = definePlugin({
  name: 'built in',
  algorithms: Object.values(builtinAlgorithms),
  spaces: Object.values(builtinSpaces),
  loaders: [programLoader],
})

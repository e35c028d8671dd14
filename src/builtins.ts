/** The built-in plugin: what comes with the package, through the same door as a stranger's. */
import { builtinAlgorithms } from './algorithms/index.ts'
import { definePlugin } from './core/plugin.ts'
import { builtinSpaces } from './spaces/index.ts'

export const builtins = definePlugin({
  name: 'built in',
  algorithms: Object.values(builtinAlgorithms),
  spaces: Object.values(builtinSpaces),
})

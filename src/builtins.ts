/** The built-in algorithms, search spaces and scores as a plugin, registered like the plugins of users. */
import { programLoader } from './algorithms/external/index.ts'
import { builtinAlgorithms } from './algorithms/index.ts'
import { builtinScores } from './analysis/scores/index.ts'
import { definePlugin } from './core/plugin.ts'
import { builtinSpaces } from './spaces/index.ts'

/** The plugin with all algorithms, search spaces and scores that come with the package. */
export const builtins = definePlugin({
  name: 'built in',
  algorithms: Object.values(builtinAlgorithms),
  spaces: Object.values(builtinSpaces),
  loaders: [programLoader],
  scores: builtinScores,
})

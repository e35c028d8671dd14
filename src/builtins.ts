/** The built-in plugin: what comes with the package, through the same door as a stranger's. */
import { builtinAlgorithms } from './algorithms/index.ts'
import { definePlugin } from './core/plugin.ts'
import { darts, dartsS1, dartsS2, dartsS3, dartsWithoutNone } from './spaces/darts/index.ts'
import { nb201 } from './spaces/nb201/index.ts'

export const builtins = definePlugin({
  name: 'built in',
  algorithms: Object.values(builtinAlgorithms),
  spaces: [nb201, darts, dartsWithoutNone, dartsS1, dartsS2, dartsS3],
})

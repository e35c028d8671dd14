/**
 * `bench check plugin`: runs the contract suite, a set of rules for plugins, on the algorithms and search spaces of a
 * plugin.
 */
import { Command } from 'commander'
import {
  checkAlgorithm,
  checkSpace,
  type RuleResult,
  type SpaceRuleResult,
  usualSpaces,
} from '../../algorithms/contract/index.ts'
import { builtins } from '../../builtins.ts'
import type { Algorithm } from '../../core/algorithm.ts'
import { BenchError } from '../../core/errors.ts'
import type { SearchSpace } from '../../core/space.ts'
import { openExecutor } from '../../engine/index.ts'
import { type Tabular, wordTable } from '../../report/formats/tabular.ts'
import { distributeOptions, resolveOptions } from '../../runner/plan/algorithmOptions.ts'
import { registerPlugins } from '../../system/plugins.ts'
import { jsonOption, outOption, quietOption, repeated } from '../options.ts'
import { printAsideLine, tableFormat, writeTable } from '../output.ts'

interface CheckFlags {
  readonly option?: readonly string[]
  readonly json?: boolean
  readonly quiet?: boolean
  readonly out?: string
}

export function checkCommand(): Command {
  const plugin = new Command('plugin')
    .description(
      'Runs the contract suites on the algorithms and spaces of a plugin. Exit status 1 if a rule is broken.',
    )
    .argument('<plugin>', 'file, or package')
    .option('--option <key=value>', 'option of an algorithm', repeated)
    .addOption(jsonOption())
    .addOption(quietOption())
    .addOption(outOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench check plugin ./my-search.ts\n  bench check plugin ./my-search.ts --option tau=2 --json',
    )
    .action(checkPlugin)
  return new Command('check')
    .summary('run the contract suites on the algorithms and spaces of a plugin')
    .description('Checks plugins.')
    .addCommand(plugin)
    .addHelpText(
      'after',
      '\nExamples:\n  bench check plugin ./my-search.ts\n  bench check plugin ./my-search.ts --json',
    )
}

async function checkPlugin(source: string, { option = [], json = false, quiet, out }: CheckFlags): Promise<void> {
  const format = tableFormat({ json, out })
  // The plugin is registered as in `bench run`, so that the same plugins are refused, such as one with a used name.
  const { registry, origins } = await registerPlugins(builtins, [source])
  const algorithms = registry.algorithms.filter((algorithm) => origins.has(algorithm))
  const ownSpaces = registry.spaces.filter((space) => origins.has(space))
  if (algorithms.length + ownSpaces.length === 0) {
    throw new BenchError('bad-input', `plugin ${source} has no algorithms and no spaces to check`)
  }
  const executor = openExecutor({ backend: 'auto', deterministic: true })
  const results: CheckedRule[] = []
  for (const space of ownSpaces) {
    if (!quiet && !json) printAsideLine(`checking the space ${space.name} …`)
    results.push(...(await checkSpace(space, () => executor)))
  }
  const usual: readonly SearchSpace[] = [...usualSpaces, ...ownSpaces]
  for (const { name, options } of distributeOptions(algorithms, option)) {
    if (!quiet && !json) printAsideLine(`checking ${name} …`)
    const algorithm = algorithms.find((each) => each.name === name) as Algorithm
    const chosen = resolveOptions(algorithm, options)
    // An algorithm that names no spaces is checked on the built-in spaces and those of the plugin.
    const spaces = algorithm.spaces === undefined ? usual : registry.spaces
    results.push(...(await checkAlgorithm(algorithm, { executor: () => executor, options: chosen, spaces })))
  }
  writeTable(resultTable(results), format, out)
  reportBroken(source, results)
}

/**
 * Result of one rule of the contract suite, checked on an algorithm or on a search space, for which `algorithm` is
 * absent.
 */
type CheckedRule = RuleResult | (SpaceRuleResult & { readonly algorithm?: undefined; readonly excepted?: undefined })

const resultTable = (results: readonly CheckedRule[]): Tabular =>
  wordTable(
    ['algorithm', 'space', 'rule', 'kept', 'seen'],
    results.map(({ algorithm, space, rule, ...judged }) => [algorithm ?? '', space, rule, ...verdict(judged)]),
  )

function verdict({ seen, excepted }: Pick<RuleResult, 'seen' | 'excepted'>): readonly [kept: string, why: string] {
  if (seen !== undefined) return ['no', seen]
  return excepted === undefined ? ['yes', ''] : ['excepted', excepted]
}

/** Prints one line for each rule of the contract suite that a plugin breaks, and sets exit status 1 if there is one. */
function reportBroken(source: string, results: readonly CheckedRule[]): void {
  const broken = results.filter(({ seen }) => seen !== undefined)
  for (const { algorithm, space, rule, seen } of broken) {
    const subject = algorithm === undefined ? `the space ${space}` : `${algorithm} on ${space}`
    printAsideLine(`bench: ${source}: ${subject} breaks the rule "${rule}": ${seen}`)
  }
  if (broken.length > 0) process.exitCode = 1
}

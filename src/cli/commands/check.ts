/**
 * `bench check plugin`: runs the contract suite, a set of rules for plugins, on the algorithms, search spaces and
 * scores of a plugin.
 */
import { Command } from 'commander'
import {
  checkAlgorithm,
  checkScore,
  checkSpace,
  type RuleResult,
  type ScoreRuleResult,
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
    .summary('run the contract suites on a plugin')
    .description(
      'Runs the contract suites on the algorithms, spaces and scores of a plugin. Exit status 1 if a rule is broken.',
    )
    .argument('<plugin>', 'file, program such as ./my_method.py, or package')
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
    .summary('run the contract suites on the algorithms, spaces and scores of a plugin')
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
  const ownScores = registry.scores.filter((score) => origins.has(score))
  if (algorithms.length + ownSpaces.length + ownScores.length === 0) {
    throw new BenchError('bad-input', `plugin ${source} has no algorithms, spaces or scores to check`)
  }
  const executor = openExecutor({ backend: 'auto', deterministic: true })
  const results: CheckedRule[] = []
  for (const space of ownSpaces) {
    if (!quiet && !json) printAsideLine(`checking the space ${space.name} …`)
    results.push(...(await checkSpace(space, () => executor)))
  }
  for (const score of ownScores) {
    if (!quiet && !json) printAsideLine(`checking the score ${score.name} …`)
    results.push(...(await checkScore(score, () => executor)))
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

/** Result of one rule of a contract suite, checked on an algorithm, on a search space or on a score. */
type CheckedRule = RuleResult | SpaceRuleResult | ScoreRuleResult

const resultTable = (results: readonly CheckedRule[]): Tabular =>
  wordTable(
    ['algorithm', 'space', 'rule', 'kept', 'seen'],
    results.map((result) => [
      'algorithm' in result ? result.algorithm : 'score' in result ? result.score : '',
      'space' in result ? result.space : '',
      result.rule,
      ...verdict(result),
    ]),
  )

function verdict({
  seen,
  excepted,
}: {
  readonly seen?: string
  readonly excepted?: string
}): readonly [kept: string, why: string] {
  if (seen !== undefined) return ['no', seen]
  return excepted === undefined ? ['yes', ''] : ['excepted', excepted]
}

/** Prints one line for each rule of the contract suite that a plugin breaks, and sets exit status 1 if there is one. */
function reportBroken(source: string, results: readonly CheckedRule[]): void {
  const broken = results.filter(({ seen }) => seen !== undefined)
  for (const result of broken) {
    printAsideLine(`bench: ${source}: ${subjectOf(result)} breaks the rule "${result.rule}": ${result.seen}`)
  }
  if (broken.length > 0) process.exitCode = 1
}

/** Returns the name of the algorithm, score or search space that a rule was checked on, for messages. */
function subjectOf(result: CheckedRule): string {
  if ('score' in result) return `the score ${result.score}`
  return 'algorithm' in result ? `${result.algorithm} on ${result.space}` : `the space ${result.space}`
}

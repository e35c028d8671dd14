/** `bench new algo` and `bench new score`: write the source files of a new plugin, from the templates below. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { builtins } from '../../builtins.ts'
import { BenchError } from '../../core/errors.ts'
import { benchCommand, shellWord } from '../../core/plainText.ts'
import { writeAllAtomically } from '../../system/atomicFile.ts'
import { jsonOption, oneOf } from '../options.ts'
import { print } from '../output.ts'

const TEMPLATE_KINDS = ['supernet', 'black-box'] as const

type TemplateKind = (typeof TEMPLATE_KINDS)[number]

interface NewFlags {
  readonly kind?: TemplateKind
  readonly python?: boolean
  readonly folder: string
  readonly json?: boolean
}

export function newCommand(): Command {
  const algo = new Command('algo')
    .summary('write a plugin with an algorithm, and its test')
    .description('Writes a plugin with one algorithm, which runs as it is, and its test.')
    .argument('<name>', 'name of the algorithm, as used with --algo')
    .option(
      '--kind <kind>',
      'supernet (default) trains a search network; black-box asks for accuracies',
      oneOf('kind', TEMPLATE_KINDS),
    )
    .addOption(
      new Option(
        '--python',
        'a black-box method in Python, with the client that it imports (docs/external-methods.md)',
      ).conflicts('kind'),
    )
    .option('--folder <dir>', 'folder of the files', '.')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench new algo my-search\n  bench new algo my-climb --kind black-box --folder plugins',
    )
    .action(newAlgorithm)
  const score = new Command('score')
    .summary('write a plugin with a training-free score')
    .description('Writes a plugin with one training-free score, which runs as it is.')
    .argument('<name>', 'name of the score, as used with --score')
    .option('--folder <dir>', 'folder of the file', '.')
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  bench new score my-score\n  bench new score my-score --folder plugins --json')
    .action(newScore)
  return new Command('new')
    .summary('write a new algorithm or score plugin')
    .description('Writes files to start from.')
    .addCommand(algo)
    .addCommand(score)
    .addHelpText('after', '\nExamples:\n  bench new algo my-search\n  bench new algo my-climb --kind black-box')
}

/**
 * Writes the source file of a new algorithm plugin and its test. @throws BenchError `bad-input` for an invalid or used
 * name, or if the files exist
 */
function newAlgorithm(name: string, { kind = 'supernet', python = false, folder, json }: NewFlags): void {
  checkName(name, builtins.algorithms, 'my-search')
  const files = python ? pythonFiles(name, folder) : pluginFiles(kind, name, folder)
  const there = files.find(({ path }) => existsSync(path))
  if (there !== undefined) {
    throw new BenchError('bad-input', `${there.path} is there already; choose another name or --folder`)
  }
  writeAllAtomically(files.map(({ path, content }) => ({ path: resolve(path), content })))
  const shown = files.map(({ path }) => (dirname(path) === '.' ? `./${path}` : path))
  const commands = python ? pythonSteps(shown[0]) : nextSteps(name, shown[0])
  if (json) {
    print(`${JSON.stringify({ files: shown, commands }, null, 2)}\n`)
    return
  }
  const second = python ? 'the client that it imports' : 'its test'
  print(`wrote ${shown[0]} and ${second}. Next:\n${commands.map((command) => `  ${command}\n`).join('')}`)
  if (!python) print(`With the package installed here, its test: node --test ${shellWord(shown[1])}\n`)
}

/** Returns the files of a new plugin in TypeScript: the plugin and its test. */
const pluginFiles = (kind: TemplateKind, name: string, folder: string) => [
  { path: join(folder, `${name}.ts`), content: pluginSource(kind, name) },
  { path: join(folder, `${name}.test.mjs`), content: testSource(name) },
]

/** Returns the files of a new method in Python: the method, and a copy of the client for editors and type checkers. */
function pythonFiles(name: string, folder: string) {
  const file = name.replaceAll('-', '_')
  const client = readFileSync(new URL('../../../python/nas_bench_client.py', import.meta.url), 'utf8')
  return [
    { path: join(folder, `${file}.py`), content: pythonSource(name, file) },
    { path: join(folder, 'nas_bench_client.py'), content: client },
  ]
}

const pythonSteps = (program: string): readonly string[] => [
  benchCommand('check', 'plugin', program),
  benchCommand('run', '--algo', program, '--dry-run'),
  benchCommand('run', '--algo', program, '--space', 'nb201', '--seeds', '4'),
]

/**
 * Checks the name that the user chose for a new algorithm or score. @throws BenchError `bad-input` if it is malformed or
 * built in
 */
function checkName(name: string, known: readonly { readonly name: string }[] = [], example: string): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new BenchError(
      'bad-input',
      `"${name}" is not a valid name; use lower case, digits and hyphens, as ${example}`,
    )
  }
  if (known.some((item) => item.name === name)) {
    throw new BenchError('bad-input', `"${name}" is built in; choose another name`)
  }
}

const nextSteps = (name: string, plugin: string): readonly string[] => [
  benchCommand('check', 'plugin', plugin),
  benchCommand('run', '--plugin', plugin, '--algo', name, '--space', 'nb201', '--seeds', '4'),
]

/**
 * Writes the source file of a new score plugin. @throws BenchError `bad-input` for an invalid or used name, or if the file
 * exists
 */
function newScore(name: string, { folder, json }: Pick<NewFlags, 'folder' | 'json'>): void {
  checkName(name, builtins.scores, 'my-score')
  const path = join(folder, `${name}.ts`)
  if (existsSync(path)) {
    throw new BenchError('bad-input', `${path} is there already; choose another name or --folder`)
  }
  writeAllAtomically([{ path: resolve(path), content: scorePlugin(name) }])
  const shown = dirname(path) === '.' ? `./${path}` : path
  const size = ['--channels', '4', '--depth', '1', '--image-size', '8']
  const commands = [
    benchCommand('check', 'plugin', shown),
    benchCommand('score', '--plugin', shown, '--score', name, '--architectures', '40', ...size),
  ]
  if (json) print(`${JSON.stringify({ files: [shown], commands }, null, 2)}\n`)
  else print(`wrote ${shown}. Next:\n${commands.map((command) => `  ${command}\n`).join('')}`)
}

/**
 * Returns the source of a plugin with one algorithm, which runs without changes.
 * @param name name of the algorithm and its file
 */
export function pluginSource(kind: TemplateKind, name: string): string {
  return kind === 'supernet' ? supernetPlugin(name) : blackBoxPlugin(name)
}

const supernetPlugin = (name: string) => `/**
 * ${name}: what it is, and its source.
 *
 * It starts as DARTS with a temperature: every edge mixes its operations by softmax(α / τ). What tells one search from
 * another is how parameters become mixing weights, and how a gradient goes back through that.
 *
 *     bench check plugin ./${name}.ts
 *     bench run --plugin ./${name}.ts --algo ${name} --space nb201 --seeds 4
 */
import {
  bilevelSearch,
  defineAlgorithm,
  definePlugin,
  initialParameters,
  map,
  type Relaxation,
  softmaxRelaxation,
} from 'nas-bench-harness'
import { z } from 'zod'

/** θ = softmax(α / τ) on each edge. α and θ are [edge][op]. */
const relaxation = (tau: number): Relaxation => ({
  stochastic: false,
  relax(alpha) {
    const { mixing, pullback } = softmaxRelaxation.relax(map(alpha, (a) => a / tau))
    // From ∂L/∂θ to ∂L/∂α, by the chain rule.
    return { mixing, pullback: (gradient) => map(pullback(gradient), (g) => g / tau) }
  },
})

const algorithm = defineAlgorithm({
  name: '${name}',
  version: 1,
  description: 'One line, for lists of algorithms',
  source: 'Paper and year',
  kind: 'supernet',
  options: z.strictObject({
    tau: z.coerce.number().positive().default(1).describe('temperature of the softmax'),
  }),
  search: (context, { tau }) =>
    bilevelSearch(context, {
      start: initialParameters(context),
      relaxation: () => relaxation(tau),
    }),
})

export default definePlugin({ name: '${name}', algorithms: [algorithm] })
`

const blackBoxPlugin = (name: string) => `/**
 * ${name}: what it is, and its source.
 *
 * It starts as a hill climb: change one decision of the best architecture so far, keep what is better. An evaluation
 * costs simulated seconds; \`ask\` answers undefined when the budget is over.
 *
 *     bench check plugin ./${name}.ts
 *     bench run --plugin ./${name}.ts --algo ${name} --space nb201 --seeds 4
 */
import { blackBoxSearch, defineAlgorithm, definePlugin, evaluations, mutate, sample } from 'nas-bench-harness'
import { z } from 'zod'

const algorithm = defineAlgorithm({
  name: '${name}',
  version: 1,
  description: 'One line, for lists of algorithms',
  source: 'Paper and year',
  kind: 'black-box',
  options: z.strictObject({ evaluations }),
  async search(context, options) {
    const { space } = context
    // All chance comes from here: the same seed gives the same search.
    const stream = context.random('climb')
    return blackBoxSearch(context, options.evaluations, async (ask) => {
      let best = sample(space, stream)
      let bestPct = await ask(best)
      while (bestPct !== undefined) {
        const next = mutate(space, best, stream)
        const nextPct = await ask(next)
        if (nextPct === undefined) return
        if (nextPct > bestPct) {
          best = next
          bestPct = nextPct
        }
      }
    })
  },
})

export default definePlugin({ name: '${name}', algorithms: [algorithm] })
`

const pythonSource = (name: string, file: string) => `"""${name}: what it is, and its source.

It starts as a hill climb with restarts. An evaluation costs simulated seconds; \`ask\` ends the search when the budget
is used up, and the answer is then the best architecture that was asked.

    bench run --algo ./${file}.py --space nb201 --seeds 4
"""

import nas_bench_client as bench


def search(task: bench.Task) -> None:
    while True:
        # All chance comes from task.random: the same seed gives the same search.
        here = task.space.sample(task.random)
        accuracy = task.ask(here)
        failures = 0
        while failures < task.options.patience:
            candidate = task.space.mutate(here, task.random)
            candidate_accuracy = task.ask(candidate)
            if candidate_accuracy > accuracy:
                here, accuracy, failures = candidate, candidate_accuracy, 0
            else:
                failures += 1


bench.run(
    search,
    name="${name}",
    version=1,  # raise it with every change that changes results
    source="Paper and year",
    options={"patience": {"default": 20, "min": 1, "description": "failures in a row before it starts anew"}},
)
`

/**
 * Returns the source of a Node.js test that runs the contract suite, a set of rules for plugins, on the named plugin.
 */
const testSource = (
  name: string,
) => `/** What every algorithm promises, checked on ${name}. Run with: node --test ${name}.test.mjs */
import assert from 'node:assert/strict'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkAlgorithm, loadPlugin, openExecutor } from 'nas-bench-harness'

const { plugin } = await loadPlugin(fileURLToPath(new URL('${name}.ts', import.meta.url)))
const executor = openExecutor({ backend: 'auto', deterministic: true })

for (const algorithm of plugin.algorithms ?? []) {
  test(\`\${algorithm.name} keeps the promises of an algorithm\`, async () => {
    const results = await checkAlgorithm(algorithm, { executor: () => executor })
    assert.deepEqual(
      results.filter(({ seen }) => seen !== undefined),
      [],
    )
  })
}
`

/** Returns the source of a plugin with one score, which runs without changes. */
const scorePlugin = (name: string) => `/**
 * ${name}: what it is, and its source.
 *
 * It starts as the mean of |w·g| over the filters of an untrained network, with g the gradient of the loss on one batch.
 *
 *     bench check plugin ./${name}.ts
 *     bench score --plugin ./${name}.ts --score ${name} --architectures 100
 */
import { definePlugin, defineScore, lossGradient } from 'nas-bench-harness'

const score = defineScore({
  name: '${name}',
  // Raise it with every change that changes the numbers: old ones are then not reused.
  version: 1,
  description: 'One line, for lists of scores',
  source: 'Paper and year',
  better: 'higher',
  // What the number depends on: architecture, weights, noise, images or labels. Columns are named by it.
  reads: 'labels',
  // Whether operations that do not reach the output count: output or network.
  layers: 'output',
  async compute(input) {
    const gradient = await lossGradient(input)
    let at = 0
    let [sum, count] = [0, 0]
    for (const { shape } of input.network.parameters) {
      const size = shape.reduce((product, extent) => product * extent, 1)
      // Filters and linear weights have several extents; scales, shifts and biases have one.
      if (shape.length > 1) {
        for (let i = at; i < at + size; i++) sum += Math.abs(input.weights[i] * gradient[i])
        count += size
      }
      at += size
    }
    return sum / count
  },
})

export default definePlugin({ name: '${name}', scores: [score] })
`

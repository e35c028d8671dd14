/** `bench new` */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { builtins } from '../../builtins.ts'
import { BenchError } from '../../core/errors.ts'
import { benchCommand, shellWord } from '../../core/plainText.ts'
import { writeAllAtomically } from '../../system/atomicFile.ts'
import { jsonOption, oneOf } from '../options.ts'
import { print } from '../output.ts'
import { pluginSource, TEMPLATE_KINDS, type TemplateKind, testSource } from './pluginTemplate.ts'

interface NewFlags {
  readonly kind: TemplateKind
  readonly folder: string
  readonly json?: boolean
}

export function newCommand(): Command {
  const algo = new Command('algo')
    .description('Writes a plugin with one algorithm, which runs as it is, and its test.')
    .argument('<name>', 'name of the algorithm, as it will stand after --algo')
    .option(
      '--kind <kind>',
      'supernet trains a search network; black-box asks for accuracies',
      oneOf('kind', TEMPLATE_KINDS),
      'supernet',
    )
    .option('--folder <dir>', 'where the files go', '.')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench new algo my-search\n  bench new algo my-climb --kind black-box --folder plugins',
    )
    .action(newAlgorithm)
  return new Command('new')
    .summary('start an algorithm of your own')
    .description('Writes the files that something of your own starts from.')
    .addCommand(algo)
    .addHelpText('after', '\nExamples:\n  bench new algo my-search\n  bench new algo my-climb --kind black-box')
}

/** @throws BenchError `bad-input` for a name that cannot be one, is taken, or whose files are there already */
function newAlgorithm(name: string, { kind, folder, json }: NewFlags): void {
  checkName(name)
  const files = [
    { path: join(folder, `${name}.ts`), content: pluginSource(kind, name) },
    { path: join(folder, `${name}.test.mjs`), content: testSource(name) },
  ]
  const there = files.find(({ path }) => existsSync(path))
  if (there !== undefined) {
    throw new BenchError('bad-input', `${there.path} is there already; choose another name or --folder`)
  }
  writeAllAtomically(files.map(({ path, content }) => ({ path: resolve(path), content })))
  const shown = files.map(({ path }) => (dirname(path) === '.' ? `./${path}` : path))
  const commands = nextSteps(name, shown[0])
  if (json) {
    print(`${JSON.stringify({ files: shown, commands }, null, 2)}\n`)
    return
  }
  print(`wrote ${shown[0]} and its test. Next:\n${commands.map((command) => `  ${command}\n`).join('')}`)
  print(`With the package installed here, its test: node --test ${shellWord(shown[1])}\n`)
}

function checkName(name: string): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new BenchError(
      'bad-input',
      `"${name}" is no name for an algorithm; use lower case, digits and hyphens, as my-search`,
    )
  }
  if (builtins.algorithms?.some((algorithm) => algorithm.name === name)) {
    throw new BenchError('bad-input', `"${name}" is built in; choose another name`)
  }
}

const nextSteps = (name: string, plugin: string): readonly string[] => [
  benchCommand('check', 'plugin', plugin),
  benchCommand('run', '--plugin', plugin, '--algo', name, '--space', 'nb201', '--seeds', '4'),
]

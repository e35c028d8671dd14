/** `bench tables build` and `bench tables merge` */

import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { parseSeedList } from '../../runner/plan/experiment.ts'
import { cores } from '../../system/cores.ts'
import type { BuildResult } from '../../tablebuild/buildTable.ts'
import type { Rebuilt } from '../../tablebuild/checkTable.ts'
import { parseShard, type Shard } from '../../tablebuild/trainingSet.ts'
import type { Manifest } from '../../tables/manifest.ts'
import { buildProgress } from '../amountProgress.ts'
import { jsonOption, positiveInteger, positiveNumber, quietOption, repeated } from '../options.ts'
import { print, printAsideLine } from '../output.ts'

interface BuildFlags {
  readonly as: string
  readonly space?: string
  readonly recipe?: string
  readonly data?: string
  readonly share: boolean
  readonly curves: boolean
  readonly seeds?: readonly number[]
  readonly indices?: readonly number[]
  readonly shard?: Shard
  readonly from?: readonly string[]
  readonly jobs?: number
  readonly limitMinutes?: number
  readonly check?: number
  readonly out?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export function buildCommand(): Command {
  return new Command('build')
    .summary('train every architecture of a space by a recipe')
    .description(
      'Trains every architecture of a space on a dataset by a recipe, and writes a table.\n' +
        'What is trained is kept at once: the same command goes on where an earlier one was stopped.',
    )
    .requiredOption('--as <name>', 'name of the table')
    .option('--space <name>', 'search space (default: the recipe’s)')
    .option('--recipe <file>', 'YAML file, or `micro`, by which the embedded table is made')
    .option('--data <folder>', 'the images, where the recipe’s dataset is not built in or fetched')
    .option('--seeds <list>', 'only these of the recipe’s seeds: 777,888', parseSeedList)
    .option('--indices <list>', 'only these architectures: 0-99,1462', indexList)
    .option('--shard <i/n>', 'one part of several, for machines beside each other', parseShard)
    .option('--from <table>', 'a table by the same recipe whose rows count as done; several times', repeated)
    .option('--no-share', 'train architectures that are the same network each for itself')
    .option('--no-curves', 'leave out the second file, with accuracy and loss of every epoch')
    .option('--jobs <n>', `worker processes (default: the cores, here ${cores()})`, positiveInteger)
    .option('--limit-minutes <n>', 'stop then, and write what there is', positiveNumber)
    .option(
      '--check <n>',
      'build nothing: train n random rows of the table again and compare, bit for bit',
      positiveInteger,
    )
    .option('--out <dir>', 'folder of the table and of its journals (default: the user’s tables)')
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench tables build --recipe my-recipe.yaml --data ~/photos --as photos --jobs 8\n' +
        '  bench tables build --as nb201-micro --check 20',
    )
    .action((flags: BuildFlags) => (flags.check === undefined ? build(flags) : check(flags, flags.check)))
}

async function build({ as: name, recipe, limitMinutes, ...flags }: BuildFlags): Promise<void> {
  if (recipe === undefined) throw new BenchError('bad-input', 'name the recipe: --recipe micro, or a YAML file')
  const { buildFromFiles } = await import('../../tablebuild/buildFromFiles.ts')
  const stopped = stopping(limitMinutes)
  const result = await buildFromFiles({
    ...flags,
    name,
    recipe,
    shard: flags.shard ?? { number: 1, of: 1 },
    jobs: flags.jobs ?? cores(),
    folder: folderOf(flags),
    from: flags.from ?? [],
    onProgress: flags.quiet || flags.json ? () => {} : buildProgress(process.stderr),
    ...(!(flags.quiet || flags.json) && { report: printAsideLine }),
    stopped,
  })
  printAnswer(flags, result, describe(result))
}

async function check({ as: name, data, jobs = cores(), quiet, json }: BuildFlags, count: number): Promise<void> {
  const { checkByName } = await import('../../tablebuild/buildFromFiles.ts')
  const show = quiet || json ? () => {} : buildProgress(process.stderr)
  const rebuilt = await checkByName({ name, data, jobs }, count, (done, total) => show({ total, before: 0, done }))
  const wrong = rebuilt.filter(({ equal }) => !equal)
  const lines = wrong.map(
    ({ index, seed, stored, found }) =>
      `architecture ${index}, seed ${seed}: the table has ${percentages(stored)}, it is ${percentages(found)}\n`,
  )
  const verdict = `${rebuilt.length - wrong.length} of ${pluralize(rebuilt.length, 'training')} came to the numbers of ${name}, bit for bit\n`
  printAnswer({ json }, rebuilt, lines.join('') + verdict)
  if (wrong.length > 0) process.exitCode = 1
}

export function mergeCommand(): Command {
  return new Command('merge')
    .summary('make one table of several')
    .description(
      'Makes one table of several. Those that were built by one recipe: parts of different machines, or more seeds.\n' +
        'Those that were imported: further datasets, architectures or seeds; a number that two have must be the same.',
    )
    .argument('<tables...>', 'names or paths')
    .requiredOption('--as <name>', 'name of the table')
    .option('--data <folder>', 'the images, where the recipe’s dataset is not built in or fetched')
    .option('--out <dir>', 'folder of the table (default: the user’s tables)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench tables merge part1.arrow part2.arrow --data ~/photos --as photos\n' +
        '  bench tables merge naslib-cifar10 naslib-cifar100 naslib-imagenet16 --as naslib --json',
    )
    .action(merge)
}

type MergeFlags = Pick<BuildFlags, 'as' | 'data' | 'out' | 'json'>

async function merge(tables: readonly string[], flags: MergeFlags): Promise<void> {
  const { mergeByName } = await import('../../tablebuild/buildFromFiles.ts')
  const manifest = await mergeByName(tables, { name: flags.as, data: flags.data, folder: folderOf(flags) })
  printAnswer(flags, manifest, sizeLine(manifest))
}

const folderOf = ({ out }: { readonly out?: string }) => (out === undefined ? undefined : resolve(out))

const printAnswer = ({ json }: { readonly json?: boolean }, value: unknown, text: string) =>
  print(json ? `${JSON.stringify(value, null, 2)}\n` : text)

const percentages = (accuraciesPct: Rebuilt['stored']) => `${Object.values(accuraciesPct).join(' / ')} %`

function describe({ total, before, done, manifest }: BuildResult): string {
  const left = total - before - done
  const rest = left === 0 ? 'none is left' : `${left} ${left === 1 ? 'is' : 'are'} left, the same command goes on`
  return `${pluralize(done, 'training')} done, ${before} were there before, ${rest}\n${sizeLine(manifest)}`
}

const sizeLine = ({ name, rows, architectures, table }: Manifest) =>
  `table ${name}: ${architectures === null ? '' : `${rows} of `}${pluralize(architectures ?? rows, 'architecture')}, ${(table.bytes / 1e6).toFixed(1)} MB\n`

/** `0-99,1462` → those, as typed. */
function indexList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first, last = first] = (/^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? []).slice(1).filter(Boolean).map(Number)
    if (first === undefined || last < first)
      throw new InvalidArgumentError(`"${part}" is no index or range, as in 0-99,1462.`)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

/** True from the time limit or the first Ctrl-C on; a second Ctrl-C ends the process, and nothing is lost either. */
function stopping(limitMinutes = Number.POSITIVE_INFINITY): () => boolean {
  const deadline = Date.now() + 60_000 * limitMinutes
  let interrupted = false
  process.once('SIGINT', () => {
    interrupted = true
  })
  return () => interrupted || Date.now() > deadline
}

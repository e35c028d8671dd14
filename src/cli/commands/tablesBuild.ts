/**
 * `bench tables build` and `bench tables merge`: makes lookup tables by training architectures or by merging other
 * tables.
 */
import { resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { parseSeedList } from '../../runner/plan/experiment.ts'
import { cores } from '../../system/cores.ts'
import type { BuildResult, Rebuilt } from '../../tablebuild/buildTable.ts'
import { parseShard, type Shard } from '../../tablebuild/trainingSet.ts'
import type { Manifest } from '../../tables/manifest.ts'
import { buildProgress } from '../amountProgress.ts'
import {
  jobsOption,
  jsonOption,
  positiveInteger,
  positiveNumber,
  quietOption,
  repeated,
  stopCondition,
} from '../options.ts'
import { print, printAsideLine } from '../output.ts'

interface BuildFlags {
  readonly as: string
  readonly space?: string
  readonly plugin?: readonly string[]
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
    .summary('make a table by training every architecture of a space')
    .description(
      'Trains every architecture of a space on a dataset by a recipe, and writes a table.\n' +
        'Every training is saved at once: after an interruption, the same command continues.',
    )
    .requiredOption('--as <name>', 'name of the table')
    .option('--space <name>', 'search space (default: the recipe’s)')
    .addOption(pluginOption())
    .option('--recipe <file>', 'YAML file, or `micro`, the recipe of the embedded table')
    .option('--data <folder>', 'the images, if the recipe’s dataset is neither built in nor fetched')
    .option('--seeds <list>', 'only these of the recipe’s seeds: 777,888', parseSeedList)
    .option('--indices <list>', 'only these architectures: 0-99,1462', indexList)
    .option('--shard <i/n>', 'build one part of n, to use several machines', parseShard)
    .option('--from <table>', 'take over the rows of a table by the same recipe; several times', repeated)
    .option('--no-share', 'train architectures separately even if they are the same network')
    .option('--no-curves', 'leave out the second file with the curves of every epoch')
    .addOption(jobsOption())
    .option('--limit-minutes <n>', 'stop after n minutes, and write the rows trained so far', positiveNumber)
    .option('--check <n>', 'build nothing; train n random rows again and compare them bit for bit', positiveInteger)
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

async function build({ as: name, recipe, limitMinutes, plugin, ...flags }: BuildFlags): Promise<void> {
  if (recipe === undefined) throw new BenchError('bad-input', 'name the recipe: --recipe micro, or a YAML file')
  const { buildFromFiles } = await import('../../tablebuild/buildFromFiles.ts')
  const stopped = stopCondition(limitMinutes)
  const result = await buildFromFiles({
    ...flags,
    ...(plugin && { plugins: plugin }),
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
  printAnswer(flags, result, buildText(result))
}

async function check(
  { as: name, data, plugin, jobs = cores(), quiet, json }: BuildFlags,
  count: number,
): Promise<void> {
  const { checkByName } = await import('../../tablebuild/buildFromFiles.ts')
  const show = quiet || json ? () => {} : buildProgress(process.stderr)
  const rebuilt = await checkByName({ name, data, jobs, plugins: plugin }, count, (done, total) =>
    show({ total, before: 0, done }),
  )
  const wrong = rebuilt.filter(({ equal }) => !equal)
  const lines = wrong.map(
    ({ index, seed, stored, found }) =>
      `architecture ${index}, seed ${seed}: the table has ${percentages(stored)}, the training gave ${percentages(found)}\n`,
  )
  const verdict = `${rebuilt.length - wrong.length} of ${pluralize(rebuilt.length, 'training')} gave the numbers of ${name}, bit for bit\n`
  printAnswer({ json }, rebuilt, lines.join('') + verdict)
  if (wrong.length > 0) process.exitCode = 1
}

export function mergeCommand(): Command {
  return new Command('merge')
    .summary('make one table of several')
    .description(
      'Makes one table of several. Built tables must have the same recipe; they may differ in architectures and seeds.\n' +
        'Imported tables may add datasets, architectures or seeds; numbers that several have must be equal.',
    )
    .argument('<tables...>', 'names or paths')
    .requiredOption('--as <name>', 'name of the table')
    .addOption(pluginOption())
    .option('--data <folder>', 'the images, if the recipe’s dataset is neither built in nor fetched')
    .option('--out <dir>', 'folder of the table (default: the user’s tables)')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench tables merge part1.arrow part2.arrow --data ~/photos --as photos\n' +
        '  bench tables merge naslib-cifar10 naslib-cifar100 naslib-imagenet16 --as naslib --json',
    )
    .action(merge)
}

const pluginOption = () =>
  new Option('--plugin <file>', 'plugin that brings the space; several times').argParser(repeated)

type MergeFlags = Pick<BuildFlags, 'as' | 'plugin' | 'data' | 'out' | 'json'>

async function merge(tables: readonly string[], flags: MergeFlags): Promise<void> {
  const { mergeByName } = await import('../../tablebuild/buildFromFiles.ts')
  const manifest = await mergeByName(tables, {
    name: flags.as,
    data: flags.data,
    plugins: flags.plugin,
    folder: folderOf(flags),
  })
  printAnswer(flags, manifest, sizeLine(manifest))
}

const folderOf = ({ out }: { readonly out?: string }) => (out === undefined ? undefined : resolve(out))

const printAnswer = ({ json }: { readonly json?: boolean }, value: unknown, text: string) =>
  print(json ? `${JSON.stringify(value, null, 2)}\n` : text)

const percentages = (accuraciesPct: Rebuilt['stored']) => `${Object.values(accuraciesPct).join(' / ')} %`

function buildText({ total, before, done, manifest }: BuildResult): string {
  const left = total - before - done
  const rest = left === 0 ? 'none left' : `${left} left, for the same command to continue`
  return `${pluralize(done, 'training')} done now, ${before} earlier, ${rest}\n${sizeLine(manifest)}`
}

const sizeLine = ({ name, rows, architectures, table }: Manifest) =>
  `table ${name}: ${architectures === null ? '' : `${rows} of `}${pluralize(architectures ?? rows, 'architecture')}, ${(table.bytes / 1e6).toFixed(1)} MB\n`

/** Returns the architecture indices in a list such as `0-99,1462`, in the given order. */
function indexList(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [first, last = first] = (/^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? []).slice(1).filter(Boolean).map(Number)
    if (first === undefined || last < first)
      throw new InvalidArgumentError(`expected indices or ranges, as 0-99,1462; found "${part}"`)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}

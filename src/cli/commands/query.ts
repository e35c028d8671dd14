/** `bench query`: looks up architectures in a lookup table. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { answer, correlatedColumns, type Question } from '../../report/listings/queryAnswer.ts'
import { type Condition, parseCondition } from '../../tables/query.ts'
import { commaList, oneOf, outOption, pictureFile, positiveInteger, repeated, severalTimes } from '../options.ts'
import { FRAME_FORMATS, type FrameFormat, formatOption, outputFormat, writeFrame, writePictures } from '../output.ts'

interface QueryFlags extends Question {
  readonly picture?: readonly string[]
  readonly format?: FrameFormat
  readonly json?: boolean
  readonly out?: string
}

export function queryCommand(): Command {
  return new Command('query')
    .summary('look up architectures in a table: metrics, ranks, best, neighbours, correlations')
    .description('Looks up architectures by index or string. Without further flags, all columns are shown.')
    .argument('[architectures...]', 'as 6111, or as "|nor_conv_3x3~0|+|…|"')
    .option('--table <name>', 'table, by name or path (default: the only one with the requested columns)')
    .option('--plugin <file>', 'plugin that brings the space', repeated)
    .option('--dataset <name>', 'only columns of this dataset, as cifar10-valid')
    .option('--split <name>', 'only columns of this split: train, x-valid, x-test or ori-test')
    .option('--epochs <n>', 'only columns after this many training epochs', positiveInteger)
    .option('--seed <seed>', 'only columns of this training seed, or mean', seed)
    .option('--columns <names>', 'exactly these columns, as params-M,flops-M', commaList)
    .addOption(question('--rank', 'add the rank of one architecture in each column'))
    .addOption(question('--isomorphic', 'all architectures that compute the same function'))
    .addOption(question('--neighbours', 'all architectures that differ in one operation'))
    .addOption(
      question('--top <n>', 'the n architectures with the highest values of a column').argParser(positiveInteger),
    )
    .addOption(
      question('--bottom <n>', 'the n architectures with the lowest values of a column').argParser(positiveInteger),
    )
    .option(
      '--where <condition>',
      'only architectures that meet a condition, as "params-M<0.5"; several times',
      conditions,
    )
    .option('--by <column>', 'column for --top, --bottom and --where, as cifar10/ori-test/200/mean')
    .addOption(
      question(
        '--correlate <columns>',
        'correlations of two columns, as A,B; scores: of all scores with accuracies',
      ).argParser(commaList),
    )
    .option('--picture <file>', 'draw the two columns of --correlate as .png, .svg or .pdf; several times', pictureFile)
    .addOption(question('--curves', 'every epoch of one architecture’s trainings, from the table’s second file'))
    .addOption(formatOption('answer', FRAME_FORMATS).argParser(oneOf('format', FRAME_FORMATS)))
    .option('--json', 'the same as --format json')
    .addOption(outOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench query 6111 --dataset shapes --rank\n' +
        '  bench query --top 5 --by shapes/x-test/4/mean --where "params-M<0.02"',
    )
    .action(query)
}

const QUESTIONS = ['rank', 'isomorphic', 'neighbours', 'top', 'bottom', 'correlate', 'curves']

/**
 * Returns an option of `bench query` that asks a question, such as `--top`. It conflicts with the other questions,
 * since only one can be asked at a time.
 */
const question = (flags: string, description: string): Option => {
  const option = new Option(flags, description)
  return option.conflicts(QUESTIONS.filter((name) => name !== option.attributeName()))
}

async function query(architectures: readonly string[], flags: QueryFlags): Promise<void> {
  const format = outputFormat(flags, FRAME_FORMATS, 'text')
  if (flags.picture !== undefined) {
    const { correlationFigure } = await import('../../report/figures/correlation.ts')
    await writePictures(correlationFigure(await correlatedColumns(flags)), flags.picture)
  }
  await writeFrame(await answer(architectures, flags), format, flags.out)
}

const conditions = severalTimes((text: string, earlier: readonly Condition[] = []): Condition[] => [
  ...earlier,
  parseCondition(text),
])

function seed(text: string): number | 'mean' {
  if (text === 'mean' || /^\d+$/.test(text)) return text === 'mean' ? text : Number(text)
  throw new InvalidArgumentError('expected a seed, as 777, or mean')
}

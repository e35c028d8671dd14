/** `bench pareto`: lists and draws the architectures of a lookup table on the Pareto front of two columns. */
import { Command, Option } from 'commander'
import type { TableFormat } from '../../report/formats/renderTable.ts'
import { type ParetoAnswer, type ParetoQuestion, paretoAnswer } from '../../report/listings/paretoAnswer.ts'
import { frontTable } from '../../report/listings/queryTables.ts'
import type { Better } from '../../tables/query.ts'
import { jsonOption, oneOf, outOption, pictureFile, repeated } from '../options.ts'
import { tableFormat, tableFormatOption, writePictures, writeTable } from '../output.ts'

interface ParetoFlags extends ParetoQuestion {
  readonly picture?: readonly string[]
  readonly format?: TableFormat
  readonly json?: boolean
  readonly out?: string
}

const better = (flag: string, description: string, usual: Better) =>
  new Option(flag, `${description}: lower, higher`).argParser(oneOf('direction', ['lower', 'higher'])).default(usual)

export function paretoCommand(): Command {
  return new Command('pareto')
    .summary('the Pareto front of a table: architectures that no other beats in two columns at once')
    .description(
      'Lists and draws the architectures of a table that no other beats in both of two columns.\n' +
        'Columns of device measurements (latency, energy) are joined from CSV files with a column "arch" and columns such as "latency:pixel3".',
    )
    .requiredOption('--x <column>', 'column of the x axis, as params-M or latency:pixel3')
    .requiredOption('--y <column>', 'column of the y axis, as cifar10/ori-test/200/mean')
    .option('--table <name>', 'table, by name or path (default: the only one that has both columns)')
    .option('--plugin <file>', 'with the spaces of a plugin, for --hardware', repeated)
    .option('--hardware <file>', 'CSV file with further columns; may be given several times', repeated)
    .option('--mapping <file>', 'YAML file that maps its columns')
    .addOption(better('--x-better <direction>', 'which x is better', 'lower'))
    .addOption(better('--y-better <direction>', 'which y is better', 'higher'))
    .option('--picture <file>', 'draw the front as .png, .svg or .pdf; may be given several times', pictureFile)
    .addOption(tableFormatOption('list'))
    .addOption(jsonOption())
    .addOption(outOption())
    .addHelpText(
      'after',
      '\nExamples:\n  bench pareto --x params-M --y shapes/x-test/4/mean\n' +
        '  bench pareto --table nb201 --hardware pixel3.csv --x latency:pixel3 --y cifar10/ori-test/200/mean --picture front.svg',
    )
    .action(pareto)
}

async function pareto(flags: ParetoFlags): Promise<void> {
  const format = tableFormat(flags)
  const answer = await paretoAnswer(flags)
  if (flags.picture !== undefined) await draw(flags.picture, answer, flags)
  const { table, points, front } = answer
  writeTable(frontTable(table, [flags.x, flags.y], front, points.length), format, flags.out)
}

/** Writes image files with a scatter plot of all architectures of a lookup table and their Pareto front. */
async function draw(
  paths: readonly string[],
  { table, points, front }: ParetoAnswer,
  { x, y }: ParetoFlags,
): Promise<void> {
  const { tableParetoFigure } = await import('../../report/figures/pareto.ts')
  const architectures = table.text('arch')
  const arch = (row: number) => architectures.at(row) ?? ''
  await writePictures(tableParetoFigure({ table: table.manifest.name, x, y, points, front, arch }), paths)
}

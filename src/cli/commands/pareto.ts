/** `bench pareto`: lists and draws the architectures of a table on the Pareto front of two columns. */
import { Command, Option } from 'commander'
import { BenchError } from '../../core/errors.ts'
import { unknownName } from '../../core/names.ts'
import type { TableFormat } from '../../report/formats/renderTable.ts'
import { frontTable } from '../../report/listings/queryTables.ts'
import { builtinSpace } from '../../spaces/index.ts'
import { writeNamedFile } from '../../system/namedFile.ts'
import { isAccuracy, isSize } from '../../tables/columnNames.ts'
import type { NumberColumn } from '../../tables/columns.ts'
import { openTable } from '../../tables/openTable.ts'
import { type Better, type FrontPoint, paretoFront, pointsOf } from '../../tables/query.ts'
import type { Table } from '../../tables/table.ts'
import { tableWith, type Wanted } from '../../tables/tableWith.ts'
import { jsonOption, oneOf, outOption, pictureFile, repeated } from '../options.ts'
import { tableFormat, tableFormatOption, writeTable } from '../output.ts'

interface ParetoFlags {
  readonly table?: string
  readonly x: string
  readonly y: string
  readonly xBetter: Better
  readonly yBetter: Better
  readonly hardware?: readonly string[]
  readonly mapping?: string
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
      'Lists, and draws, the architectures of a table that no other beats in both of two columns. Columns of devices\n' +
        '(latency, energy) are joined in from CSV files with a column "arch" and columns such as "latency:pixel3".',
    )
    .requiredOption('--x <column>', 'as params-M, or latency:pixel3')
    .requiredOption('--y <column>', 'as cifar10/ori-test/200/mean')
    .option('--table <name>', 'table, by name or path (default: the only one that has both columns)')
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
  const table = await openTable(flags.table ?? (await tableWith(wantedBy(flags))))
  const joined = await hardwareOf(table, flags)
  const [x, y] = [flags.x, flags.y].map((name) => columnNamed(name, table, joined))
  const points = pointsOf(table.rows, x, y)
  if (points.length === 0) {
    throw new BenchError(
      'missing',
      `no architecture of table ${table.manifest.name} has both ${flags.x} and ${flags.y}`,
    )
  }
  const front = paretoFront(points, flags.xBetter, flags.yBetter)
  if (flags.picture !== undefined) await draw(flags.picture, table, flags, points, front)
  const list = frontTable(table, [flags.x, flags.y], front, points.length)
  writeTable(list, format, flags.out)
}

/** Returns the columns that the table must have; with `--hardware`, device columns may come from its files. */
function wantedBy({ x, y, hardware }: ParetoFlags): Wanted {
  return { columns: [x, y].filter((name) => hardware === undefined || isAccuracy(name) || isSize(name)) }
}

/** Returns the columns of the `--hardware` files. @throws BenchError `bad-input` if two files have the same column */
async function hardwareOf(table: Table, { hardware = [], mapping }: ParetoFlags): Promise<NumberColumn[]> {
  if (hardware.length === 0) return []
  const { joinedColumns } = await import('../../tables/joinTables.ts')
  const { readMapping } = await import('../../tables/importers/mapping.ts')
  const { spaceIndex } = await import('../../tables/spaceIndex.ts')
  const space = spaceIndex(builtinSpace(table.manifest.space))
  const names = mapping === undefined ? undefined : await readMapping(mapping)
  const columns = (await Promise.all(hardware.map((path) => joinedColumns(table, space, path, names)))).flat()
  const duplicate = columns.find(({ name }, i) => columns.findIndex((other) => other.name === name) < i)
  if (duplicate === undefined) return columns
  throw new BenchError('bad-input', `two of the --hardware files have a column "${duplicate.name}"; rename one of them`)
}

/** Returns a column of the table or of the hardware files. @throws BenchError `unknown-name` with the nearest name */
function columnNamed(name: string, table: Table, joined: readonly NumberColumn[]): NumberColumn {
  const found = joined.find((column) => column.name === name)
  if (found !== undefined) return found
  if (table.has(name)) return table.column(name)
  throw unknownName(
    'column',
    name,
    [...table.manifest.columns, ...joined].map((column) => column.name),
  )
}

async function draw(
  paths: readonly string[],
  table: Table,
  { x, y }: ParetoFlags,
  points: readonly FrontPoint[],
  front: readonly FrontPoint[],
): Promise<void> {
  const { tableParetoFigure } = await import('../../report/figures/tablePareto.ts')
  const { pictureFormat, renderFigure } = await import('../../report/pictures/picture.ts')
  const archs = table.text('arch')
  const arch = (row: number) => archs.at(row) ?? ''
  const figure = tableParetoFigure({ table: table.manifest.name, x, y, points, front, arch })
  const pictures = paths.map((path) => ({ path, bytes: renderFigure(figure, pictureFormat(path)) }))
  for (const { path: file, bytes } of pictures) writeNamedFile(file, bytes)
}

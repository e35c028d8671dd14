/**
 * Writes the output of all commands: results to standard output or a file, messages to standard error. Also chooses the
 * format of a result from `--format`, `--json` and the ending of `--out`, and colours text on terminals.
 */
import { basename } from 'node:path'
import type { WriteStream } from 'node:tty'
import { type Command, Option } from 'commander'
import { BenchError } from '../core/errors.ts'
import { printable } from '../core/plainText.ts'
import { parseTableFormat, renderTable, TABLE_FORMATS, type TableFormat } from '../report/formats/renderTable.ts'
import type { Tabular } from '../report/formats/tabular.ts'
import { fold } from '../report/formats/text.ts'
import type { Figure } from '../report/pictures/figure.ts'
import { writeNamedFile } from '../system/namedFile.ts'
import { jsonOption, outOption, quietOption } from './options.ts'

/**
 * Writes the result of a command to a file, or prints it if no file is given. Control characters are escaped
 * (`printable`).
 */
export function writeOutput(text: string, file: string | undefined): void {
  if (file === undefined) print(text)
  else writeNamedFile(file, printable(text))
}

/**
 * Writes a table in the given format to a file, or prints it if no file is given. On a terminal, table and notes are
 * fitted to its width.
 */
export function writeTable(table: Tabular, format: TableFormat, file: string | undefined): void {
  writeOutput(renderTable(table, format, file === undefined ? process.stdout.columns : undefined), file)
}

/**
 * Writes a figure to picture files, in the formats that their endings name. All are drawn before the first is written.
 * @param widthMm width of the pictures; absent: that of a paper's column
 */
export async function writePictures(figure: Figure, paths: readonly string[], widthMm?: number): Promise<void> {
  const { pictureFormat, renderFigure } = await import('../report/pictures/picture.ts')
  const pictures = paths.map((path) => ({ path, bytes: renderFigure(figure, pictureFormat(path), widthMm) }))
  for (const { path, bytes } of pictures) writeNamedFile(path, bytes)
}

/** Prints a part of a command's result on standard output. */
export const print = (text: string): void => {
  process.stdout.write(asInvoked(printable(text)))
}

/** Clears the last lines on the terminal, so that what is printed next stands in their place. */
export const clearLines = (count: number): void => {
  if (count > 0) process.stdout.write(`\u001b[${count}A\u001b[0J`)
}

/** Prints a message on standard error, so that standard output contains only the result of the command. */
export const printAside = (text: string): void => {
  process.stderr.write(asInvoked(printable(text)))
}

/**
 * Returns a text with the commands in it rewritten to the form that the user can type. After `npx bench run`, for
 * example, `bench` may not be on the path, so `bench status` becomes `npx bench status`. Commands are those in
 * backquotes or at the start of a line.
 * @param script path of the script that Node.js runs, which tells how this program was started
 */
export function asInvoked(text: string, script: string = process.argv[1] ?? ''): string {
  const name = NAMES.find((known) => known === basename(script)) ?? 'bench'
  const isNpx = /[/\\]node_modules[/\\]\.bin[/\\]/.test(script)
  if (name === 'bench' && !isNpx) return text
  return text.replace(/(^ *|`|^Usage: )bench (?=[a-z])/gm, `$1${isNpx ? `npx ${name}` : name} `)
}

/** The two names under which the npm package installs this program. */
const NAMES = ['bench', 'nas-bench-harness'] as const

/** Prints one line on standard error. */
export const printAsideLine = (line: string): void => printAside(`${line}\n`)

/**
 * Returns a text with its lines wrapped at blanks to the width of the terminal; unchanged if standard output is not a
 * terminal.
 */
export function wrapToTerminal(text: string): string {
  const { columns } = process.stdout
  return columns === undefined ? text : text.replace(/.+/g, (line) => fold(line, columns).join('\n'))
}

/** Returns the terminal's width in characters, or 80 if standard output is not a terminal. */
export const terminalWidth = (): number => process.stdout.columns ?? 80

/** Output format of a command's result for each ending of the path after `--out`. */
const FORMAT_OF_ENDING: Readonly<Record<string, string>> = {
  md: 'md',
  markdown: 'md',
  csv: 'csv',
  json: 'json',
  tex: 'latex',
  arrow: 'arrow',
  feather: 'arrow',
  parquet: 'parquet',
  svg: 'svg',
  png: 'png',
  pdf: 'pdf',
  jpg: 'jpg',
  jpeg: 'jpg',
  gif: 'gif',
  webp: 'webp',
  html: 'html',
  htm: 'html',
  xlsx: 'xlsx',
}

/** Returns the option `--format` of a command; its help text names the formats that the command can write. */
export const formatOption = (what: string, formats: readonly string[] = TABLE_FORMATS): Option =>
  new Option(
    '--format <name>',
    `format of the ${what}: ${formats.join(', ')} (default: by the ending of --out, else text)`,
  )

/** Returns the option `--format` of a command whose result is a table. */
export const tableFormatOption = (what = 'table'): Option => formatOption(what).argParser(parseTableFormat)

/** The flags of a command that prints a table while it shows progress. */
export interface TableFlags {
  readonly format?: TableFormat
  readonly json?: boolean
  readonly quiet?: boolean
  readonly out?: string
}

/** Adds the options of `TableFlags` to a command. */
export const withTableOutput = (command: Command, what?: string): Command =>
  command.addOption(tableFormatOption(what)).addOption(jsonOption()).addOption(quietOption()).addOption(outOption())

/** Formats of commands that also write files for data frames. */
export const FRAME_FORMATS = [...TABLE_FORMATS, 'arrow', 'parquet'] as const
export type FrameFormat = (typeof FRAME_FORMATS)[number]

/**
 * Writes a table in a format for people or for data frames: prints it, or writes it to the file at `out`.
 * @throws BenchError `bad-input` for a format for data frames without a file
 */
export async function writeFrame(table: Tabular, format: FrameFormat, out: string | undefined): Promise<void> {
  if (format !== 'arrow' && format !== 'parquet') {
    writeOutput(renderTable(table, format, out === undefined ? terminalWidth() : undefined), out)
    return
  }
  requireFrameFile(format, out)
  const { renderArrow, renderParquet } = await import('../report/formats/dataFrame.ts')
  writeNamedFile(out as string, format === 'arrow' ? renderArrow(table) : renderParquet(table))
}

/** Checks that a format for data frames has a file to be written to. @throws BenchError `bad-input` if not */
export function requireFrameFile(format: FrameFormat, out: string | undefined): void {
  if ((format !== 'arrow' && format !== 'parquet') || out !== undefined) return
  throw new BenchError('bad-input', `--format ${format} needs a file: --out FILE.${format}`)
}

/** The parsed flags that decide on the format of a command's result. */
export interface FormatFlags<Format extends string = TableFormat> {
  readonly format?: Format
  /** The flag that names the format, as typed, for messages; absent: `--format`. */
  readonly flag?: string
  readonly json?: boolean
  readonly out?: string
}

/**
 * Returns the format of a command's result. An ending of `--out` that stands for no format, such as .txt, is accepted
 * with every format.
 * @param formats the formats that the command can write
 * @param usual the format if neither a flag nor an ending names one
 * @throws BenchError `bad-input` if `--format`, `--json` and the ending of `--out` contradict each other, or if the
 * ending names a format that the command cannot write
 */
export function outputFormat<Format extends string>(
  { format, flag = `--format ${format}`, json, out }: FormatFlags<Format>,
  formats: readonly Format[],
  usual: Format,
): Format {
  if (json && format !== undefined && format !== 'json') {
    throw new BenchError('bad-input', `--json and ${flag} contradict each other; leave one of them out`)
  }
  const told = json ? ('json' as Format) : format
  const ending = /\.(\w+)$/.exec(out ?? '')?.[1].toLowerCase() ?? ''
  const named = Object.hasOwn(FORMAT_OF_ENDING, ending) ? FORMAT_OF_ENDING[ending] : undefined
  if (named === undefined) return told ?? usual
  const known = formats.find((each) => each === named)
  if (known === undefined) {
    const list = formats.join(', ')
    throw new BenchError(
      'bad-input',
      `--out ${out} ends in .${ending}, which this command does not write; it writes ${list}`,
    )
  }
  if (told !== undefined && told !== known) {
    const typed = json ? '--json' : flag
    throw new BenchError(
      'bad-input',
      `--out ${out} and ${typed} contradict each other; change the ending or leave out ${typed}`,
    )
  }
  return known
}

/**
 * Returns the format in which a command prints its result, for results that are tables. @throws BenchError as
 * `outputFormat`
 */
export const tableFormat = (flags: FormatFlags): TableFormat => outputFormat(flags, TABLE_FORMATS, 'text')

/** ANSI escape code of each text style. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const

/** Function that returns a text with the ANSI codes of a colour or style around it. */
export type Paint = (text: string, colour: keyof typeof CODES) => string

/**
 * Returns the function that colours text for an output stream. It leaves text plain if the stream is not a terminal or
 * the environment variable `NO_COLOR` is set (no-color.org).
 */
export function paintFor(stream: Pick<WriteStream, 'isTTY'>): Paint {
  const { NO_COLOR, TERM } = process.env
  if (!stream.isTTY || (NO_COLOR !== undefined && NO_COLOR !== '') || TERM === 'dumb') return (text) => text
  return (text, colour) => `\u001b[${CODES[colour]}m${text}\u001b[0m`
}

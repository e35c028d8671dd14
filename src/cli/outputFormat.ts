/** In which format a command writes its result: the one that it is told, or the one that the ending of its file names. */
import { Option } from 'commander'
import { BenchError } from '../core/errors.ts'
import { parseTableFormat, TABLE_FORMATS, type TableFormat } from '../report/formats/renderTable.ts'

/** What a file's ending says of its content. */
const FORMATS: Readonly<Record<string, string>> = {
  md: 'md',
  markdown: 'md',
  csv: 'csv',
  json: 'json',
  tex: 'latex',
  arrow: 'arrow',
  feather: 'arrow',
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

export const formatOption = (what: string, formats: readonly string[] = TABLE_FORMATS): Option =>
  new Option('--format <name>', `of the ${what}: ${formats.join(', ')} (default: by the ending of --out, else text)`)

export const tableFormatOption = (what = 'table'): Option => formatOption(what).argParser(parseTableFormat)

export interface FormatFlags<Format extends string = TableFormat> {
  readonly format?: Format
  /** The flag that names the format, as typed, where it is not --format. */
  readonly flag?: string
  readonly json?: boolean
  readonly out?: string
}

/**
 * The format of a command's result. Endings that name none, such as .txt, go with any.
 * @param formats that the command can write
 * @param usual where neither a flag nor an ending names one
 * @throws BenchError `bad-input` where two of --format, --json and the ending of --out name different formats, or where
 * the ending names one that the command cannot write
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
  const named = Object.hasOwn(FORMATS, ending) ? FORMATS[ending] : undefined
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

/** The format of a command whose result is a table. @throws BenchError `bad-input` as `outputFormat` */
export const tableFormat = (flags: FormatFlags): TableFormat => outputFormat(flags, TABLE_FORMATS, 'text')

/** Where a command's words go: the result to standard output or a file, what is said on the way to standard error. */
import { basename } from 'node:path'
import { printable } from '../core/plainText.ts'
import { renderTable, type TableFormat } from '../report/formats/renderTable.ts'
import type { Tabular } from '../report/formats/tabular.ts'
import { fold } from '../report/formats/text.ts'
import { writeNamedFile } from '../system/namedFile.ts'

/** Writes a result to a file, or prints it; see `printable`. */
export function writeOutput(text: string, file: string | undefined): void {
  if (file === undefined) print(text)
  else writeNamedFile(file, printable(text))
}

/** Writes a table to a file, or prints it; on a terminal its notes are no wider than that. */
export function writeTable(table: Tabular, format: TableFormat, file: string | undefined): void {
  writeOutput(renderTable(table, format, file === undefined ? process.stdout.columns : undefined), file)
}

/** Text of the result: on standard output. */
export const print = (text: string): void => {
  process.stdout.write(asInvoked(printable(text)))
}

/** Text beside the result: on standard error. */
export const printAside = (text: string): void => {
  process.stderr.write(asInvoked(printable(text)))
}

/**
 * Commands in a text, which stand on lines of their own or in backquotes, as the user has to type them: after `npx bench run`
 * there may be no `bench` on the path.
 * @param script what Node.js was told to run
 */
export function asInvoked(text: string, script: string = process.argv[1] ?? ''): string {
  const name = NAMES.find((known) => known === basename(script)) ?? 'bench'
  const isOfPackage = /[/\\]node_modules[/\\]\.bin[/\\]/.test(script)
  return text.replace(/(^ *|`|^Usage: )bench (?=[a-z])/gm, `$1${isOfPackage ? `npx ${name}` : name} `)
}

/** The package's commands, which are the same. */
const NAMES = ['bench', 'nas-bench-harness'] as const

/** A line beside the result. */
export const sayAside = (line: string): void => printAside(`${line}\n`)

/** Lines broken at blanks where they are wider than the terminal; elsewhere they stay whole. */
export function wrapped(text: string): string {
  const { columns } = process.stdout
  return columns === undefined ? text : text.replace(/.+/g, (line) => fold(line, columns).join('\n'))
}

/** Signs of a line of the terminal; 80 where standard output is none, so that what a pipe gets is always the same. */
export const terminalWidth = (): number => process.stdout.columns ?? 80

/** Where a command's words go: the result to standard output or a file, what is said on the way to standard error. */
import { resolve } from 'node:path'
import { writeAtomically } from '../core/atomicFile.ts'
import { printable } from '../core/plainText.ts'

/** Writes a result to a file, or prints it; see `printable`. */
export function writeOutput(text: string, file: string | undefined): void {
  if (file === undefined) print(text)
  else writeAtomically(resolve(file), printable(text))
}

/** Text of the result: on standard output. */
export const print = (text: string): void => {
  process.stdout.write(printable(text))
}

/** Text beside the result: on standard error. */
export const printAside = (text: string): void => {
  process.stderr.write(printable(text))
}

/** A line beside the result. */
export const sayAside = (line: string): void => printAside(`${line}\n`)

/** Signs of a line of the terminal; 80 where standard output is none, so that what a pipe gets is always the same. */
export const terminalWidth = (): number => process.stdout.columns ?? 80

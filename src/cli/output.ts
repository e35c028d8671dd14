/** Where a command's words go: the result to standard output or a file, what is said on the way to standard error. */
import { resolve } from 'node:path'
import { writeAtomically } from '../core/atomicFile.ts'

export function writeOutput(text: string, file: string | undefined): void {
  if (file === undefined) process.stdout.write(text)
  else writeAtomically(resolve(file), text)
}

/** A line beside the result. */
export const sayAside = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

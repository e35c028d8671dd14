/** Where a command's result goes: standard output, or a file. */
import { resolve } from 'node:path'
import { writeAtomically } from '../core/atomicFile.ts'

export function writeOutput(text: string, file: string | undefined): void {
  if (file === undefined) process.stdout.write(text)
  else writeAtomically(resolve(file), text)
}

/**
 * The error class of the project. A message says in one line what was found, what was expected and what to do. The
 * command line prints it and takes the exit status from the error's code.
 */

import { oneLine } from './plainText.ts'

/** Kind of an error, for programs. */
export type ErrorCode =
  /** A name that no registry, table or dataset knows. */
  | 'unknown-name'
  /** An option, string or file content that does not have the expected form. */
  | 'bad-input'
  /** A file, folder, table or dataset that does not exist where it was looked for. */
  | 'missing'
  /** A file of this program that does not match its own hash, length or schema. */
  | 'corrupt'
  /** Something the chosen backend, space or algorithm cannot do. */
  | 'unsupported'
  /** The machine failed: disk full, worker lost, GPU lost. */
  | 'failed'

/** Exit status of the command line for each kind of error: 2 for bad input, 1 for failed work. */
export const exitStatus: Readonly<Record<ErrorCode, 1 | 2>> = {
  'unknown-name': 2,
  'bad-input': 2,
  missing: 2,
  corrupt: 2,
  unsupported: 2,
  failed: 1,
}

/** Longest message, in characters: quoted input may be as long as a file. */
const LONGEST = 2000

/** Leaves out the middle of a message that is too long. */
function shortened(message: string): string {
  const left = message.length - LONGEST
  if (left <= 0) return message
  return `${message.slice(0, LONGEST / 2)} … (${left} characters left out) … ${message.slice(-LONGEST / 2)}`
}

export class BenchError extends Error {
  override readonly name = 'BenchError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    // A quotation from a damaged file may contain control characters.
    super(oneLine(shortened(message)), options)
    this.code = code
  }
}

/**
 * The error class of the project. A message says in one line what was found, what was expected and what to do. The
 * command line prints it and takes the exit status from the error's code.
 */

import { oneLine } from './plainText.ts'

/** Kind of an error, which programs can test instead of the message. */
export type ErrorCode =
  /** The user gave a name that no registry, table or dataset knows. */
  | 'unknown-name'
  /** An option, text or file of the user does not have the expected form. */
  | 'bad-input'
  /** A file, folder, table or dataset does not exist where it was looked for. */
  | 'missing'
  /** A file that this program wrote does not match its own hash, length or schema. */
  | 'corrupt'
  /** The chosen backend, search space or algorithm cannot do what was asked. */
  | 'unsupported'
  /** The machine failed: disk full, worker process lost, GPU lost. */
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

/** Length, in characters, to which error messages are shortened: the input they quote may be as long as a file. */
const LONGEST = 2000

/** Returns an error message without its middle part if the message is too long. */
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

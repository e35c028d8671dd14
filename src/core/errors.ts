/**
 * The one error class of the project. A message says what was found, what was expected and what to do, in one line.
 * Only the command line turns it into text and an exit status.
 */

import { oneLine } from './plainText.ts'

/** What went wrong, in kinds a program can act on. */
export type ErrorCode =
  /** A name that no registry, table or dataset knows. */
  | 'unknown-name'
  /** An option, string or file content that does not have the expected form. */
  | 'bad-input'
  /** A file, folder, table or dataset that is not where it was said to be. */
  | 'missing'
  /** A file that was written by us and does not match its own hash, length or schema. */
  | 'corrupt'
  /** Something the chosen backend, space or algorithm cannot do. */
  | 'unsupported'
  /** The machine failed: disk full, worker lost, GPU lost. */
  | 'failed'

/** Exit status of the command line for each kind: 2 where the input is at fault, 1 where the work failed. */
export const exitStatus: Readonly<Record<ErrorCode, 1 | 2>> = {
  'unknown-name': 2,
  'bad-input': 2,
  missing: 2,
  corrupt: 2,
  unsupported: 2,
  failed: 1,
}

/** Characters of a message at most: what it quotes may be as long as a file. */
const LONGEST = 2000

/** A long message without its middle. */
function shortened(message: string): string {
  const left = message.length - LONGEST
  if (left <= 0) return message
  return `${message.slice(0, LONGEST / 2)} … (${left} characters left out) … ${message.slice(-LONGEST / 2)}`
}

export class BenchError extends Error {
  override readonly name = 'BenchError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    // What a message quotes from a damaged file may hold anything.
    super(oneLine(shortened(message)), options)
    this.code = code
  }
}

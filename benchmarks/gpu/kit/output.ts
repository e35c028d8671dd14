/** What all programs of the kit's stages share: result lines as JSON, and errors as one line. */
import { BenchError } from '../../../src/core/errors.ts'
import { firstLine } from '../../../src/core/plainText.ts'

/** Prints one result as a JSON line, which the runner adds to the result file of the stage. */
export const emit = (result: object): void => console.log(JSON.stringify(result))

/**
 * Runs a program of a stage and ends the process: status 0 if it returned; 2 after an error that the user can act on,
 * with one line; 1 after an unexpected one, with its stack.
 */
export async function runProgram(work: () => Promise<void>): Promise<never> {
  try {
    await work()
    // Dawn keeps a process alive while a device is open.
    process.exit(0)
  } catch (error) {
    const isExpected = error instanceof BenchError
    console.error(isExpected ? firstLine(error.message) : error)
    process.exit(isExpected ? 2 : 1)
  }
}

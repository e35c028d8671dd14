#!/usr/bin/env node
/** The entry of `bench`: runs the command that is given, and ends with its status. */
import { BenchError } from '../core/errors.ts'
import { whenNothingComes } from '../system/hangDetector.ts'
import { reportFailure, throwUsageErrors } from './failures.ts'
import { programFor, withoutHelp } from './program.ts'

async function main(argv: readonly string[]): Promise<void> {
  const program = await programFor(argv)
  throwUsageErrors(program)
  if (argv.length === 0) program.outputHelp()
  else await program.parseAsync(argv, { from: 'user' })
}

let isOver = false
main(withoutHelp(process.argv.slice(2)))
  .catch(reportFailure)
  .finally(() => {
    isOver = true
  })
whenNothingComes(
  () => !isOver,
  () =>
    reportFailure(new BenchError('failed', 'nothing is under way, and it is not done: a promise was never resolved')),
)

#!/usr/bin/env node
/** The entry point of `bench`: runs the given command and exits with its status. */
import { BenchError } from '../core/errors.ts'
import { onHang } from '../system/hangDetector.ts'
import { reportFailure } from './failures.ts'
import { programFor, withoutHelp } from './program.ts'
import { explainUsage, throwUsageErrors } from './usageErrors.ts'

async function main(argv: readonly string[]): Promise<void> {
  const program = await programFor(argv)
  throwUsageErrors(program)
  if (argv.length === 0) program.outputHelp()
  else await program.parseAsync(argv, { from: 'user' })
}

let isOver = false
main(withoutHelp(process.argv.slice(2)))
  .catch(explainUsage)
  .catch(reportFailure)
  .finally(() => {
    isOver = true
  })
onHang(
  () => !isOver,
  () => reportFailure(new BenchError('failed', 'the command hangs: it waits for a promise that nothing will resolve')),
)

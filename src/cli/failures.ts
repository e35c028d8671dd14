/** The one place that turns errors into text and exit status. */

import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { type Command, CommanderError } from 'commander'
import { BenchError, type ErrorCode, exitStatus } from '../core/errors.ts'
import { pluralize } from '../core/plainText.ts'
import { runLabel } from '../runner/plan/identity.ts'
import type { PlannedJob } from '../runner/plan/plan.ts'
import type { Outcome } from '../runner/processes/runPlan.ts'
import { writeFully } from '../system/atomicFile.ts'
import { packageVersion } from '../system/environment.ts'
import { print, printAside } from './output.ts'

/** Makes the command and its subcommands throw what they have to complain about, instead of printing it. */
export function throwUsageErrors(command: Command): void {
  command.exitOverride().configureOutput({ writeOut: print, writeErr: printAside, outputError: () => {} })
  for (const subcommand of command.commands) throwUsageErrors(subcommand)
}

/** Prints one line on standard error and sets the exit status: 2 where the input is at fault, 1 where the work failed. */
export function reportFailure(error: unknown): void {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2
    // A command that was given without its subcommand has printed its help.
    if (error.exitCode !== 0 && error.code !== 'commander.help') printAside(`bench: ${usageMessage(error)}\n`)
    return
  }
  const { name, code, message, stack } = error as Error & { readonly code?: string }
  if (name === 'BenchError' && code !== undefined) {
    process.exitCode = exitStatus[code as ErrorCode]
    printAside(`bench: ${message}\n`)
    return
  }
  process.exitCode = 1
  // What the file system says is a fact about the machine, wherever it comes up.
  const isSystemError = error instanceof Error && 'syscall' in error
  printAside(
    isSystemError
      ? `bench: ${message}\n`
      : `bench: unexpected error: ${message ?? error}\n${stack ?? ''}\n` +
          `This is a fault of bench ${packageVersion} (node ${process.version}); please report it with the lines above.\n`,
  )
}

/** `unknown option '--sed'; did you mean --seeds?`, on one line. */
function usageMessage({ message }: CommanderError): string {
  return message
    .replace(/^error: /, '')
    .replace(/\n\(Did you mean (.*)\?\)$/s, '; did you mean $1?')
    .replace(/\n/g, ' ')
}

/**
 * One line for each run without a result; exit status 2 where the input of all of them is at fault, else 1.
 * @param label what a run is called
 */
export function reportLostRuns(
  outcomes: readonly Outcome[],
  label: (run: PlannedJob) => string = ({ job }) => runLabel(job),
): void {
  const lost = outcomes.filter(({ result }) => result === undefined)
  if (lost.length === 0) return
  for (const { planned, failure } of lost) {
    printAside(`bench: ${label(planned)} failed: ${failure?.message ?? 'it left no result'}\n`)
  }
  for (const stack of new Set(lost.flatMap(({ failure }) => failure?.stack ?? []))) printAside(`${stack}\n`)
  printAside(
    `bench: ${lost.length} of ${pluralize(outcomes.length, 'run')} failed; the same command tries them again\n`,
  )
  process.exitCode = lost.every(({ failure }) => isInputFault(failure?.code)) ? 2 : 1
}

/** Whether an error of this kind ends the command with status 2. */
export const isInputFault = (code: ErrorCode | 'unexpected' = 'unexpected'): boolean =>
  code !== 'unexpected' && exitStatus[code] === 2

/** An interrupted command leaves the terminal in order, says how to go on, and ends with the signal's own status. */
export function onInterrupt(clean: () => void): () => void {
  const stop = (signal: NodeJS.Signals) => {
    clean()
    printAside('bench: interrupted; the same command goes on from the last checkpoints\n')
    process.exit(128 + constants.signals[signal])
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, stop)
  return () => {
    for (const signal of signals) process.off(signal, stop)
  }
}

/** Once nobody reads any more (`bench … | head`), nothing more is printed, and the work goes on. */
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return
  reportFailure(new BenchError('failed', `cannot write to standard output: ${message}`))
  process.exit()
})

/** There is nowhere left to say so. */
process.stderr.on('error', () => {})

/** Node's own streams to files take a write of which only a part went to the disk for a whole one. */
for (const stream of [process.stdout, process.stderr]) {
  if (!isFile(stream.fd)) continue
  stream._write = (chunk: Uint8Array, _encoding, done) => {
    try {
      writeFully(stream.fd, chunk)
      done()
    } catch (error) {
      done(error as Error)
    }
  }
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile()
  } catch {
    return false
  }
}

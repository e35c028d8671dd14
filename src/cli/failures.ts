/**
 * Turns the errors of all commands into one-line messages and exit statuses. Also handles Ctrl-C and failing output
 * streams.
 */
import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { BenchError, type ErrorCode, exitStatus } from '../core/errors.ts'
import { writeFully } from '../system/atomicFile.ts'
import { packageVersion } from '../system/environment.ts'
import { printAside } from './output.ts'

/**
 * Prints an error as one line on standard error and sets the exit status: 2 if the input is at fault, 1 if the work
 * failed.
 */
export function reportFailure(error: unknown): void {
  const { name, code, message, stack } = error as Error & { readonly code?: string }
  if (name === 'BenchError' && code !== undefined) {
    process.exitCode = exitStatus[code as ErrorCode]
    printAside(`bench: ${message}\n`)
    return
  }
  process.exitCode = 1
  // An error of a system call, such as a full disk, is about the machine and not a fault of this program.
  const isSystemError = error instanceof Error && 'syscall' in error
  printAside(
    isSystemError
      ? `bench: ${message}\n`
      : `bench: unexpected error: ${message ?? error}\n${stack ?? ''}\n` +
          `This is a fault of bench ${packageVersion} (node ${process.version}); please report it with the lines above.\n`,
  )
}

/** Returns whether an error code means that the user's input is at fault, so that the command exits with status 2. */
export const isInputFault = (code: ErrorCode | 'unexpected' = 'unexpected'): boolean =>
  code !== 'unexpected' && exitStatus[code] === 2

/**
 * Installs handlers for Ctrl-C and SIGTERM. They call `clean`, print how to continue, and exit with 128 plus the
 * signal's number.
 * @param remedy how to continue; absent: the same command goes on from its checkpoints
 * @returns a function that removes the handlers
 */
export function onInterrupt(
  clean: () => void,
  remedy = 'the same command goes on from the last checkpoints',
): () => void {
  const stop = (signal: NodeJS.Signals) => {
    clean()
    printAside(`bench: interrupted; ${remedy}\n`)
    process.exit(128 + constants.signals[signal])
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, stop)
  return () => {
    for (const signal of signals) process.off(signal, stop)
  }
}

// After a closed pipe (`bench … | head`) nothing more is printed, and the command goes on.
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return
  reportFailure(new BenchError('failed', `cannot write to standard output: ${message}`))
  process.exit()
})

// An error of standard error cannot be reported anywhere.
process.stderr.on('error', () => {})

// Node's streams to files treat a write that stored only a part of the bytes as complete, so files are written by
// ourselves.
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

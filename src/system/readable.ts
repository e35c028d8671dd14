/**
 * Reads files that may be absent, and tells an absent file from an unreadable one. `existsSync` returns false for both;
 * a run or table without permissions or behind a broken link would then be silently left out.
 */
import { type Dirent, existsSync, lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { BenchError } from '../core/errors.ts'

/** Error codes of Node's file system which mean that no file exists at a path. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']

/**
 * Returns the status of a file or folder, links followed, or undefined if it does not exist. @throws BenchError
 * `bad-input` if it is unreadable
 */
export function statIfThere(path: string): Stats | undefined {
  return ifThere(path, () => statSync(path))
}

/**
 * Returns whether a file or folder exists. @throws BenchError `bad-input` if missing permissions prevent finding out
 */
export const isThere = (path: string): boolean => existsSync(path) || statIfThere(path) !== undefined

/**
 * Returns the bytes of a file, or undefined if it does not exist. @throws BenchError `bad-input` if it is unreadable
 */
export function readIfThere(path: string): Buffer | undefined {
  return ifThere(path, () => readFileSync(path))
}

/**
 * Returns the entries of a folder, or undefined if it does not exist. @throws BenchError `bad-input` if it is
 * unreadable
 */
export function listIfThere(path: string): Dirent[] | undefined {
  return ifThere(path, () => readdirSync(path, { withFileTypes: true }))
}

/** Returns the names of a folder's entries, or undefined if it does not exist. @throws BenchError as `listIfThere` */
export function namesIfThere(path: string): string[] | undefined {
  return ifThere(path, () => readdirSync(path))
}

/** Throws if a path is a link to a place that does not exist. @throws BenchError `bad-input` */
export function requireNoBrokenLink(path: string): void {
  statIfThere(path)
}

/** Returns the error for a file that exists and cannot be read. */
export function unreadable(path: string, cause: unknown): BenchError {
  const { message } = cause as Error
  const reason = isAbsence(cause) ? 'a broken link' : message.replace(/, \w+ '.*'$/s, '')
  return new BenchError('bad-input', `cannot read ${path} (${reason}); make it readable, or move it away`, { cause })
}

/** Returns whether an error of Node's file system means that the file does not exist. */
export const isAbsence = (error: unknown): boolean => ABSENT.includes((error as NodeJS.ErrnoException).code ?? '')

function ifThere<T>(path: string, look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (isAbsence(error) && !isBrokenLink(path)) return undefined
    throw unreadable(path, error)
  }
}

function isBrokenLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    // The path does not exist, or the caller's error says why it is unreadable.
    return false
  }
}

/**
 * Looking for files that may be absent. What is not there is told apart from what cannot be read: `existsSync` says
 * "no"
 * to both, and a run or a table without permissions, or behind a broken link, would silently be left out.
 */
import { type Dirent, lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { BenchError } from '../core/errors.ts'

/** A component of the path is missing, or is a file where a folder is needed, or the name is longer than any file's. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']

/** What stands at the path, links followed; undefined where nothing does. @throws BenchError `bad-input` */
export function statIfThere(path: string): Stats | undefined {
  return ifThere(path, () => statSync(path))
}

/**
 * Whether something stands at the path. @throws BenchError `bad-input` where that cannot be told, as for want of rights
 */
export const isThere = (path: string): boolean => statIfThere(path) !== undefined

/** The bytes of a file; undefined where there is none. @throws BenchError `bad-input` where it cannot be read */
export function readIfThere(path: string): Buffer | undefined {
  return ifThere(path, () => readFileSync(path))
}

/** What is in a folder; undefined where there is none. @throws BenchError `bad-input` where it cannot be read */
export function listIfThere(path: string): Dirent[] | undefined {
  return ifThere(path, () => readdirSync(path, { withFileTypes: true }))
}

/** The error for what is there and cannot be read. */
export function unreadable(path: string, cause: unknown): BenchError {
  const { message } = cause as Error
  const reason = isAbsence(cause) ? 'a link to what is not there' : message.replace(/, \w+ '.*'$/s, '')
  return new BenchError('bad-input', `cannot read ${path} (${reason}); make it readable, or move it away`, { cause })
}

/** Whether an error of the file system says that nothing is there. */
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
    // Nothing is there, or the error that brought us here says why it cannot be told.
    return false
  }
}

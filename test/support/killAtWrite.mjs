/**
 * Preloaded into a process (`node --import`), kills it with SIGKILL at its n-th change of the file system, as a power cut
 * or the kernel would: before the change, after it, or in the middle of a write.
 *
 * `KILL_AT_WRITE` is JSON: `within`, a folder outside of which changes do not count; `at`, which change (absent: none);
 * `mode`: `before` or `after` it, or `half`, in the middle of it where it is a write and before it where it is not, or
 * `write`, where only writes count and it dies in the middle of one; `parent`, whether the process that started this one
 * dies first, unless that is `spare`; `log`, a file that gets the numbers of all changes and of all writes when the process ends by itself, and
 * the change that it died at when it does not.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { resolve, sep } from 'node:path'
import { isMainThread } from 'node:worker_threads'

const { within, at, mode, parent, spare, log } = JSON.parse(process.env.KILL_AT_WRITE ?? '{}')
const original = { ...fs, promises: { ...fs.promises } }
const folder = resolve(within ?? '.')
const paths = new Map()
let changes = 0
let writes = 0

/** @param change that it dies at, for the log */
function die(change) {
  if (log !== undefined) original.appendFileSync(log, `died ${mode} ${change}\n`)
  if (parent && process.ppid !== spare) process.kill(process.ppid, 'SIGKILL')
  process.kill(process.pid, 'SIGKILL')
}
const pathOf = (file) => (typeof file === 'number' ? paths.get(file) : String(file))
const counts = (file) => {
  const path = pathOf(file)
  return path !== undefined && `${resolve(path)}${sep}`.startsWith(folder + sep)
}

/** @param half what is done of a write that is cut short */
function isLast(file, half) {
  if (!counts(file)) return false
  changes++
  if (half !== undefined) writes++
  return mode === 'write' ? half !== undefined && writes === at : changes === at
}

/** Calls `change`, unless this is where the process dies. @param half as of `isLast` */
function counted(name, file, change, half) {
  if (!isLast(file, half)) return change()
  if (mode === 'half' || mode === 'write') half?.()
  if (mode !== 'after') return die(name)
  const result = change()
  die(name)
  return result
}

/** A callback's or a promise's change cannot be awaited here: the process dies a little after it was begun. */
function begun(name, file, change) {
  if (!isLast(file)) return change()
  if (mode === 'before') return die(name)
  const result = change()
  setTimeout(() => die(name), mode === 'half' ? 0 : 20)
  return result
}

const creates = (flags) => /[wa]|\+/.test(String(flags ?? 'r'))
const firstHalf = (content) =>
  typeof content === 'string' ? content.slice(0, content.length / 2) : content.subarray(0, content.byteLength / 2)

if (isMainThread) {
  fs.openSync = (path, flags, ...rest) => {
    const open = () => original.openSync(path, flags, ...rest)
    const file = creates(flags) ? counted('openSync', path, open) : open()
    paths.set(file, String(path))
    return file
  }
  fs.open = (path, flags, ...rest) => {
    const done = rest.pop()
    return original.open(path, flags, ...rest, (error, file) => {
      if (file !== undefined) paths.set(file, String(path))
      done(error, file)
    })
  }
  fs.writeSync = (file, bytes, ...rest) =>
    counted(
      'writeSync',
      file,
      () => original.writeSync(file, bytes, ...rest),
      () => original.writeSync(file, firstHalf(bytes)),
    )
  for (const name of ['writeFileSync', 'appendFileSync']) {
    fs[name] = (file, content, ...rest) =>
      counted(
        name,
        file,
        () => original[name](file, content, ...rest),
        () => original[name](file, firstHalf(content), ...rest),
      )
  }
  for (const name of ['renameSync', 'linkSync']) {
    fs[name] = (from, to) => counted(name, to, () => original[name](from, to))
  }
  for (const name of [
    'rmSync',
    'unlinkSync',
    'mkdirSync',
    'truncateSync',
    'ftruncateSync',
    'fsyncSync',
    'utimesSync',
  ]) {
    fs[name] = (file, ...rest) => counted(name, file, () => original[name](file, ...rest))
  }
  for (const name of ['write', 'writev']) {
    fs[name] = (file, ...rest) => begun(name, file, () => original[name](file, ...rest))
  }
  for (const name of ['rm', 'unlink', 'mkdir', 'writeFile']) {
    fs.promises[name] = (file, ...rest) => begun(name, file, () => original.promises[name](file, ...rest))
  }
  fs.promises.rename = (from, to) => begun('rename', to, () => original.promises.rename(from, to))
  syncBuiltinESMExports()
  if (log !== undefined) process.on('exit', () => original.appendFileSync(log, `${changes} ${writes}\n`))
}

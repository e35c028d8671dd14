/**
 * Preloaded into a process (`node --import`), kills it with SIGKILL at its n-th change of the file system, as a power cut
 * or the kernel would: before the change, after it, or in the middle of a write.
 *
 * `KILL_AT_WRITE` is JSON: `within`, a folder outside of which changes do not count; `at`, which change (absent: none) and
 * `mode`, `before`, `half` or `after`; `log`, a file that gets the number of all changes when the process ends by itself.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { resolve, sep } from 'node:path'
import { isMainThread } from 'node:worker_threads'

const { within, at, mode, log } = JSON.parse(process.env.KILL_AT_WRITE ?? '{}')
const original = { ...fs, promises: { ...fs.promises } }
const folder = resolve(within ?? '.')
const paths = new Map()
let changes = 0

const die = () => process.kill(process.pid, 'SIGKILL')
const pathOf = (file) => (typeof file === 'number' ? paths.get(file) : String(file))
const counts = (file) => {
  const path = pathOf(file)
  return path !== undefined && `${resolve(path)}${sep}`.startsWith(folder + sep)
}

/** Calls `change`, unless this is where the process dies. @param half what is done of a change that is cut short */
function counted(file, change, half = () => {}) {
  if (!counts(file) || ++changes !== at) return change()
  if (mode === 'half') half()
  if (mode !== 'after') return die()
  const result = change()
  die()
  return result
}

/** A callback's or a promise's change cannot be awaited here: the process dies a little after it was begun. */
function begun(file, change) {
  if (!counts(file) || ++changes !== at) return change()
  if (mode === 'before') return die()
  const result = change()
  setTimeout(die, mode === 'half' ? 0 : 20)
  return result
}

const creates = (flags) => /[wa]|\+/.test(String(flags ?? 'r'))
const firstHalf = (content) =>
  typeof content === 'string' ? content.slice(0, content.length / 2) : content.subarray(0, content.byteLength / 2)

if (isMainThread) {
  fs.openSync = (path, flags, ...rest) => {
    const open = () => original.openSync(path, flags, ...rest)
    const file = creates(flags) ? counted(path, open) : open()
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
      file,
      () => original.writeSync(file, bytes, ...rest),
      () => original.writeSync(file, firstHalf(bytes)),
    )
  for (const name of ['writeFileSync', 'appendFileSync']) {
    fs[name] = (file, content, ...rest) =>
      counted(
        file,
        () => original[name](file, content, ...rest),
        () => original[name](file, firstHalf(content), ...rest),
      )
  }
  for (const name of ['renameSync', 'linkSync']) {
    fs[name] = (from, to) => counted(to, () => original[name](from, to))
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
    fs[name] = (file, ...rest) => counted(file, () => original[name](file, ...rest))
  }
  for (const name of ['write', 'writev']) {
    fs[name] = (file, ...rest) => begun(file, () => original[name](file, ...rest))
  }
  for (const name of ['rm', 'unlink', 'mkdir', 'writeFile']) {
    fs.promises[name] = (file, ...rest) => begun(file, () => original.promises[name](file, ...rest))
  }
  fs.promises.rename = (from, to) => begun(to, () => original.promises.rename(from, to))
  syncBuiltinESMExports()
  if (log !== undefined) process.on('exit', () => original.appendFileSync(log, `${changes}\n`))
}

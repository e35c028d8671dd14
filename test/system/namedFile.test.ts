import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { checkNamedFile, writeNamedFile } from '../../src/system/namedFile.ts'
import { canMount } from '../support/fullDisk.ts'

const root = mkdtempSync(join(tmpdir(), 'named-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'folder-'))
  path = join(folder, 'out')
})

const isRoot = process.getuid?.() === 0
const MODULE = new URL('../../dist/system/namedFile.js', import.meta.url).href
/** Writes in a process of its own. */
const writing = (to: string, content: string, before = '') => [
  '--input-type=module',
  '-e',
  `import { checkNamedFile, writeNamedFile } from ${JSON.stringify(MODULE)}; ${before}
  try { writeNamedFile(${JSON.stringify(to)}, ${content}) } catch ({ code, message }) { console.error(code + ': ' + message) }`,
]
const ended = (child: ChildProcess) => new Promise((end) => child.on('close', end))

describe('a file that a user named', () => {
  test('is made, with the folders that are missing', () => {
    writeNamedFile(join(folder, 'a/b/out'), 'x')
    expect(readFileSync(join(folder, 'a/b/out'), 'utf8')).toBe('x')
  })

  test.each([0o600, 0o640, 0o755, 0o4711])('keeps its permissions (%d) and leaves no other file beside it', (mode) => {
    writeFileSync(path, 'earlier, and longer')
    chmodSync(path, mode)
    writeNamedFile(path, 'x')
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o7777]).toEqual(['x', mode])
    expect(readdirSync(folder)).toEqual(['out'])
  })

  test('is the target of a link, over several links and a linked folder, and the links stay', () => {
    mkdirSync(join(folder, 'real'))
    writeFileSync(join(folder, 'real/target'), 'earlier')
    chmodSync(join(folder, 'real/target'), 0o640)
    symlinkSync('real', join(folder, 'linked'))
    symlinkSync('linked/target', join(folder, 'first'))
    symlinkSync('first', path)
    writeNamedFile(path, 'x')
    expect([
      readFileSync(join(folder, 'real/target'), 'utf8'),
      readlinkSync(path),
      readlinkSync(join(folder, 'first')),
    ]).toEqual(['x', 'first', 'linked/target'])
    expect(statSync(path).mode & 0o777).toBe(0o640)
    expect(lstatSync(join(folder, 'real/target')).isFile()).toBe(true)
  })

  test('is made where a link leads to none yet', () => {
    symlinkSync('later/target', path)
    writeNamedFile(path, 'x')
    expect([readFileSync(join(folder, 'later/target'), 'utf8'), readlinkSync(path)]).toEqual(['x', 'later/target'])
  })

  test('keeps its other names', () => {
    writeFileSync(path, 'earlier, and longer')
    linkSync(path, join(folder, 'other'))
    writeNamedFile(path, 'x')
    expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('x')
  })

  test('is not made of a link that leads in a circle, a folder, or a name with a slash at its end', () => {
    symlinkSync('out', path)
    expect(() => writeNamedFile(path, 'x')).toThrow(`cannot write ${path}: ELOOP`)
    expect(() => writeNamedFile(folder, 'x')).toThrow(`${folder} is a folder; name a file in it`)
    expect(() => writeNamedFile(join(folder, 'new/'), 'x')).toThrow('is a folder; name a file in it')
    expect(readdirSync(folder)).toEqual(['out'])
  })

  test('is checked before the work, with the same refusals, and nothing is left behind', () => {
    for (const place of [folder, join(folder, 'new/'), join(folder, 'file/x'), '/proc/x/y']) {
      writeFileSync(join(folder, 'file'), 'earlier')
      const problem = (act: () => void): string => {
        try {
          act()
        } catch (error) {
          return (error as Error).message.split(',')[0]
        }
        return 'none'
      }
      expect(
        problem(() => checkNamedFile(place)),
        place,
      ).not.toBe('none')
      expect(
        problem(() => writeNamedFile(place, 'x')),
        place,
      ).not.toBe('none')
    }
    for (const place of ['file', 'new', 'deep/er/new']) checkNamedFile(join(folder, place))
    expect(readdirSync(folder)).toEqual(['file'])
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('earlier')
  })

  test.skipIf(!isRoot)('keeps its owner; one that the user may not write to is refused', () => {
    writeFileSync(path, 'earlier')
    spawnSync('chown', ['54321:54321', path])
    writeNamedFile(path, 'x')
    expect([statSync(path).uid, statSync(path).gid, readFileSync(path, 'utf8')]).toEqual([54321, 54321, 'x'])
    chmodSync(path, 0o444)
    for (const each of [root, folder]) chmodSync(each, 0o777)
    const { stderr } = spawnSync(process.execPath, writing(path, '"y"', 'process.setuid(54322)'), { encoding: 'utf8' })
    expect(stderr).toMatch(/^bad-input: cannot write .*out: EACCES: permission denied[^\n]*\n$/)
    expect(readFileSync(path, 'utf8')).toBe('x')
  })

  test.skipIf(!isRoot)('of a user who may write to it is written to also where the folder takes no other file', () => {
    writeFileSync(path, 'earlier, and longer')
    chmodSync(path, 0o666)
    chmodSync(root, 0o777)
    chmodSync(folder, 0o755)
    const { stderr } = spawnSync(process.execPath, writing(path, '"x"', 'process.setuid(54322)'), { encoding: 'utf8' })
    expect([stderr, readFileSync(path, 'utf8'), statSync(path).uid]).toEqual(['', 'x', 0])
  })

  test.skipIf(!canMount)('that is mounted by itself, as into a container, is written into', () => {
    const source = join(folder, 'source')
    for (const file of [source, path]) writeFileSync(file, 'earlier, and longer')
    spawnSync('mount', ['--bind', source, path])
    try {
      writeNamedFile(path, 'x')
      expect(readFileSync(source, 'utf8')).toBe('x')
    } finally {
      spawnSync('umount', ['--lazy', path])
    }
  })
})

describe('what is no regular file is written into', () => {
  test('a pipe, all of a megabyte', async () => {
    spawnSync('mkfifo', [path])
    const size = 1 << 20
    const writer = spawn(process.execPath, writing(path, `'x'.repeat(${size})`), { stdio: 'inherit' })
    const reader = spawnSync('sh', ['-c', `wc -c < ${path}`], { encoding: 'utf8' })
    await ended(writer)
    expect([reader.stdout.trim(), lstatSync(path).isFIFO()]).toEqual([String(size), true])
  })

  test('a pipe whose reader goes away ends in one line', async () => {
    spawnSync('mkfifo', [path])
    const writer = spawn(process.execPath, writing(path, `'x'.repeat(1 << 20)`), {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let stderr = ''
    writer.stderr.on('data', (text) => (stderr += text))
    spawnSync('sh', ['-c', `head -c 1 < ${path}`])
    await ended(writer)
    expect(stderr).toMatch(/^failed: cannot write .*out: EPIPE[^\n]*\n$/)
  })

  test.skipIf(!isRoot)('a device, directly and over a link', () => {
    const [nothing, full] = ['null', 'full'].map((name) => join(folder, name))
    const made = [spawnSync('mknod', [nothing, 'c', '1', '3']), spawnSync('mknod', [full, 'c', '1', '7'])]
    if (made.some(({ status }) => status !== 0)) return console.warn('no devices can be made here')
    symlinkSync('null', path)
    for (const each of [nothing, path]) writeNamedFile(each, 'x')
    expect([statSync(nothing).isCharacterDevice(), statSync(nothing).rdev, readlinkSync(path)]).toEqual([
      true,
      (1 << 8) + 3,
      'null',
    ])
    expect(() => writeNamedFile(full, 'x')).toThrow(/^cannot write .*full: ENOSPC/)
    expect(readdirSync(folder).sort()).toEqual(['full', 'null', 'out'])
  })

  test.skipIf(!existsSync('/proc/self/fd'))('an open descriptor of the process, after what was written there', () => {
    for (const name of ['/dev/stdout', '/proc/self/fd/1', '/dev/fd/1']) {
      const script = `process.stdout.write('before '); ${writing(name, '"x"')[2]}; process.stdout.write(' after')`
      const run = spawnSync('sh', ['-c', `"$0" --input-type=module -e "$1" > "$2"`, process.execPath, script, path])
      expect([run.stderr.toString(), readFileSync(path, 'utf8')], name).toEqual(['', 'before x after'])
    }
  })
})

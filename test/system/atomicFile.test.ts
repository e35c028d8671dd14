import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { Store } from '../../src/runner/store/store.ts'
import { appendWhole, makeFolder, writeAtomically } from '../../src/system/atomicFile.ts'
import { temporaryPath } from '../../src/system/temporaryFile.ts'
import { readJournals } from '../../src/tablebuild/journal.ts'
import { canLimitFiles, canMount, smallDisk, withFileLimit } from '../support/fullDisk.ts'
import { recipe } from '../tablebuild/tinyBuild.ts'

const root = mkdtempSync(join(tmpdir(), 'atomic-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const folder = () => mkdtempSync(join(root, 'folder-'))
const built = (module: string) => JSON.stringify(fileURLToPath(new URL(`../../dist/${module}`, import.meta.url)))

/** Runs a module's code in a process of its own. → the value that it prints last, as JSON */
function inProcess(code: string, prefix: readonly string[] = []) {
  const [command, ...args] = [...prefix, process.execPath, '--input-type=module', '-e', code]
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

/** Each appends records of some hundred bytes to a file in a folder until one is refused. */
const appenders: Readonly<
  Record<string, { readonly code: string; count(folder: string): number; more(folder: string): void }>
> = {
  appendWhole: {
    code: `import { appendWhole } from ${built('system/atomicFile.js')}
      const append = (i) => appendWhole(folder + '/log', String(i).padStart(400) + '\\n')`,
    count: (folder) => readFileSync(join(folder, 'log'), 'utf8').split('\n').length - 1,
    more: (folder) => appendWhole(join(folder, 'log'), `${'more'.padStart(400)}\n`),
  },
  'the epochs of a run': {
    code: `import { Store } from ${built('runner/store/store.js')}
      const run = new Store(folder).run('run')
      const { mkdirSync } = await import('node:fs')
      mkdirSync(run.path)
      const append = (epoch) => run.appendEpochs([{ epoch, genotype: 'x'.repeat(350), metrics: [], seconds: 0 }])`,
    count: (folder) => new Store(folder).run('run').epochs().length,
    more(folder) {
      const run = new Store(folder).run('run')
      run.appendEpochs([{ epoch: run.epochs().length, genotype: '', metrics: [], seconds: 0 }])
    },
  },
  'the journal of a table': {
    code: `import { Journal } from ${built('tablebuild/journal.js')}
      const journal = await Journal.open(folder, 'part', ${JSON.stringify(recipe)})
      const append = (index) => journal.append({ index, trained: { seed: 777, filler: 'x'.repeat(350) } })`,
    count: (folder) => readJournals(folder, recipe).length,
    more() {},
  },
}

/** → how many records were said to be written before one was refused, and how */
const fill = (folder: string, code: string, prefix?: readonly string[]) =>
  inProcess(
    `const folder = ${JSON.stringify(folder)}
    ${code}
    let done = 0
    try { for (; done < 10_000; done++) append(done) } catch ({ code, message }) { console.log(JSON.stringify({ done, code, message })) }
    process.exit()`,
    prefix,
  )

describe.each(Object.keys(appenders))('on a full disk, %s', (name) => {
  const { code, count, more } = appenders[name]
  const check = (place: string, { done, code, message }: { done: number; code: string; message: string }) => {
    expect(done).toBeGreaterThan(5)
    expect(code).toBe('failed')
    expect(message).toMatch(/^cannot write .*: (ENOSPC|EFBIG)[^\n]*$/)
    expect(count(place)).toBe(done)
  }

  test.skipIf(!canMount)('keeps whole what was said to be written, and nothing else', () => {
    const disk = smallDisk(folder(), 64 * 1024)
    try {
      check(disk.folder, fill(disk.folder, code))
    } finally {
      disk.remove()
    }
  })

  test.skipIf(!canLimitFiles)('goes on after the last whole record once there is room', () => {
    const place = folder()
    const ended = fill(place, code, withFileLimit(10_100))
    check(place, ended)
    more(place)
    if (name !== 'the journal of a table') expect(count(place)).toBe(ended.done + 1)
  })
})

test.skipIf(!canLimitFiles)('a file that does not fit leaves the earlier one, and no temporary file', () => {
  const place = folder()
  writeAtomically(join(place, 'checkpoint'), 'earlier')
  const ended = inProcess(
    `import { writeAtomically } from ${built('system/atomicFile.js')}
    try { writeAtomically(${JSON.stringify(join(place, 'checkpoint'))}, Buffer.alloc(20_000)) }
    catch ({ code, message }) { console.log(JSON.stringify({ code, message })) }`,
    withFileLimit(10_000),
  )
  expect(ended).toMatchObject({ code: 'failed', message: expect.stringMatching(/^cannot write .*checkpoint: EFBIG/) })
  expect(readdirSync(place)).toEqual(['checkpoint'])
  expect(readFileSync(join(place, 'checkpoint'), 'utf8')).toBe('earlier')
})

describe('temporary files', () => {
  /** Of a process that is gone. */
  const abandoned = (path: string) =>
    inProcess(`import { temporaryPath } from ${built('system/temporaryFile.js')}
      console.log(JSON.stringify(temporaryPath(${JSON.stringify(path)})))`) as string

  test('of killed processes are removed by the next write to the folder; those of live ones and other files stay', () => {
    const place = folder()
    const [dead, deadFolder] = ['report.html', 'images'].map((name) => abandoned(join(place, name)))
    writeFileSync(dead, 'half a page')
    mkdirSync(join(deadFolder, 'train'), { recursive: true })
    writeFileSync(temporaryPath(join(place, 'of-this-process')), 'being written')
    for (const name of ['mine.tmp', 'checkpoint.4711.tmp', 'data.12-34-56.tmp']) writeFileSync(join(place, name), '')
    writeAtomically(join(place, 'out.txt'), 'x')
    expect(readdirSync(place).sort()).toEqual(
      ['checkpoint.4711.tmp', 'data.12-34-56.tmp', 'mine.tmp', temporaryPath('of-this-process'), 'out.txt'].sort(),
    )
  })

  test('of other machines are removed when nothing was written to them for a day, by the file system’s clock', () => {
    const place = folder()
    const [fresh, old] = ['fresh', 'old'].map((name) => join(place, `${name}.1-2-0123abcd.tmp`))
    for (const path of [fresh, old]) writeFileSync(path, '')
    const past = new Date(Date.now() - 25 * 3_600_000)
    utimesSync(old, past, past)
    writeAtomically(join(place, 'out.txt'), 'x')
    expect([existsSync(fresh), existsSync(old)]).toEqual([true, false])
  })
})

describe('a folder', () => {
  test('is made with those above it, and may be there already', () => {
    const path = join(folder(), 'a/b/c')
    makeFolder(path)
    makeFolder(path)
    expect(readdirSync(join(path, '..'))).toEqual(['c'])
  })

  test.skipIf(!existsSync('/proc/self'))('that cannot be made is refused at once', () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    for (const path of ['/proc/x', '/proc/x/y/z', '/proc/self/x/y', '/sys/x/y', join(file, 'x'), join(file, 'x/y')]) {
      expect(() => makeFolder(path), path).toThrow(/EACCES|ENOENT|EPERM|ENOTDIR/)
      expect(() => writeAtomically(join(path, 'file'), 'x'), path).toThrow(BenchError)
    }
  })
})

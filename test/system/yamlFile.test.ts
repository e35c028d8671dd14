import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { unknownName } from '../../src/core/names.ts'
import { type LimitName, raiseLimit } from '../../src/system/limits.ts'
import { readYaml } from '../../src/system/yamlFile.ts'

const folder = mkdtempSync(join(tmpdir(), 'yaml-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => delete process.env.NAS_BENCH_RAISED_LIMITS)

const read = (text: string) => {
  const file = join(folder, 'x.yaml')
  writeFileSync(file, text)
  return readYaml(file, 'experiment file')
}

const doubled =
  'a: &a [x, x]\n' +
  [...'bcdefghijklmnopqrstuvwxyz']
    .map((name, i) => `${name}: &${name} [*${'abcdefghijklmnopqrstuvwxyz'[i]}, *${'abcdefghijklmnopqrstuvwxyz'[i]}]`)
    .join('\n')

describe('a YAML file', () => {
  // Each took from half a minute to for ever, or ended the process.
  test.each<[what: string, text: string, limit: LimitName | null, message: RegExp]>([
    ['longer than its limit', `algorithms: ["${'x'.repeat(5 * 2 ** 20)}"]`, 'yaml-kib', /is longer than 128 KiB/],
    ['of open braces', '{'.repeat(2 ** 16), 'yaml-depth', /nested more than 50 levels deep/],
    ['of open brackets', '['.repeat(2 ** 16), 'yaml-depth', /nested more than 50 levels deep/],
    ['of lists in lists', '- '.repeat(2 ** 15), 'yaml-depth', /nested more than 50 levels deep/],
    ['of keys of keys', '? '.repeat(2 ** 15), 'yaml-depth', /nested more than 50 levels deep/],
    [
      'of ever deeper lines',
      Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      'yaml-depth',
      /nested/,
    ],
    ['of commas', `[${','.repeat(2 ** 16)}]`, 'yaml-tokens', /more than 20000 names/],
    [
      'of keys',
      Array.from({ length: 10_000 }, (_, i) => `k${i}: 1`).join('\n'),
      'yaml-tokens',
      /more than 20000 names/,
    ],
    ['of closed brackets', ']'.repeat(2 ** 16), 'yaml-tokens', /more than 20000 names/],
    ['of anchors', '&a '.repeat(2 ** 15), 'yaml-tokens', /more than 20000 names/],
    ['of aliases of aliases', doubled, null, /is not YAML: Excessive alias count/],
    [
      'of escapes that do not exist',
      `a: "${'\\q'.repeat(2 ** 15)}"`,
      null,
      /Invalid escape sequence \\q at line 1, column 5/,
    ],
  ])('%s is refused in little time, with the limit and how to raise it', (_, text, limit, message) => {
    const before = process.cpuUsage()
    expect(() => read(text)).toThrow(message)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1e6).toBeLessThan(10)
    if (limit !== null) expect(() => read(text)).toThrow(`--raise ${limit}=`)
  })

  test('is read where the limit was raised for it', () => {
    const text = `a: ${'x'.repeat(2 ** 18)}`
    expect(() => read(text)).toThrow('raise it with --raise yaml-kib=256')
    raiseLimit('yaml-kib=300')
    expect(read(text)).toEqual({ a: 'x'.repeat(2 ** 18) })
  })

  test('may hold brackets in quotes, aliases, and fifty levels', () => {
    const deep = `${'['.repeat(49)}${']'.repeat(49)}`
    expect(read(`a: "${'['.repeat(500)}"\nb: &b [1]\nc: *b # ${'{'.repeat(500)}\nd: ${deep}`)).toMatchObject({ c: [1] })
  })

  test.skipIf(process.platform === 'win32')('may be a pipe', () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    const script = `echo 'a: 1' > ${pipe} &`
    execFileSync('sh', ['-c', script], { stdio: 'ignore' })
    expect(readYaml(pipe, 'experiment file')).toEqual({ a: 1 })
  })

  test('with a tag that says nothing here is refused', () => {
    expect(() => read('a: !!python/object:os.system x')).toThrow(/is not YAML: Unresolved tag/)
  })
})

describe('a name as long as a file', () => {
  const name = 'x'.repeat(5 * 2 ** 20)

  test('is unknown at once, and quoted in part', () => {
    const { message } = unknownName('algorithm', name, ['drnas', 'gdas'])
    expect(message).toMatch(/^unknown algorithm "x{200}…" \(known: drnas, gdas\)$/)
  })

  test('does not make a message as long', () => {
    const { message } = new BenchError('bad-input', `${name}: expected a number`)
    expect(message.length).toBeLessThan(2100)
    expect(message).toMatch(/^x+ … \(5\d+ characters left out\) … x+: expected a number$/)
  })
})

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { BenchError } from '../../src/core/errors.ts'
import { unknownName } from '../../src/core/names.ts'
import { type LimitName, raiseLimit } from '../../src/system/limits.ts'
import { oneOrMore, readYaml, type YamlKind } from '../../src/system/yamlFile.ts'

const folder = mkdtempSync(join(tmpdir(), 'yaml-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => delete process.env.NAS_BENCH_RAISED_LIMITS)

const file = join(folder, 'x.yaml')
const ANY: YamlKind<unknown> = { what: 'experiment file', schema: z.unknown(), example: '"a: 1"' }

const read = (text: string, kind = ANY) => {
  writeFileSync(file, text)
  return readYaml(file, kind).data
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
    ['of aliases of aliases', doubled, null, /its aliases \(\*name\) stand for too many values; write the values out/],
    [
      'of escapes that do not exist',
      `a: "${'\\q'.repeat(2 ** 15)}"`,
      null,
      /is not YAML: line 1, column 5, .* use single quotes/,
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
    expect(readYaml(pipe, ANY).data).toEqual({ a: 1 })
  })

  test('with a tag that says nothing here is refused', () => {
    expect(() => read('a: !!python/object:os.system x')).toThrow(/a word that begins with ! is a tag/)
  })
})

describe('a text that is not YAML is refused with its place and a remedy:', () => {
  test.each([
    ['a: [b', 'line 1, column 6, in "a: [b": a bracket that is opened before is not closed here; add the missing ]'],
    ['a: { b: 1\nc: 2', 'line 2, column 1, in "c: 2": a bracket that is opened'],
    ['a: "b\n', 'a text in quotes does not end; add the missing "'],
    ['a: 1\nb\n', 'line 2, column 1, in "b": a name has no colon behind it; write name: value'],
    ['a:\n  - b\n  c\n', 'line 3, column 1, in "c": this is not indented like the lines that it belongs to'],
    ['a: b: c', 'line 1, column 4, in "a: b: c": a second colon or a list is on one line with a name; put'],
    ['a:\n\t- b', 'line 2, column 1, in "- b": a tab indents this; indent with blanks'],
    ['a:\n  b: 1\n c: 2', 'line 3, column 1, in "c: 2": this is not indented like the lines that it belongs to'],
    ['a: 1\na: 2', 'line 2, column 1, in "a: 2": this name is there twice; keep one of the two'],
    ['a: 1\n---\nb: 2', 'line 2, column 1, in "---": a line of dashes begins a second document; keep one in the file'],
    ['a: @b', 'no text may begin with this character; put the text in quotes'],
    ['a: *b', '*b stands for a value marked &b above it, and there is none; put a text that begins with * in quotes'],
    ['a: ]', 'line 1, column 4, in "a: ]": expected lines as in "a: 1"'],
  ])('%j', (text, message) => {
    expect(() => read(text)).toThrow(`experiment file ${file} is not YAML: `)
    expect(() => read(text)).toThrow(message)
    expect(() => read(text)).not.toThrow(/sequence|mapping|scalar|flow|implicit/i)
  })
})

describe('a file that does not match its schema is refused with what was found at which line:', () => {
  const rule = z.strictObject({ of: z.union([z.string(), z.strictObject({ name: z.string() })]) })
  const schema = z
    .strictObject({
      names: oneOrMore(z.string()),
      jobs: z.int().min(1).optional(),
      fast: z.boolean().optional(),
      backend: z.enum(['wasm', 'webgpu']).optional(),
      limits: z.union([z.number(), z.record(z.string(), z.number().positive())]).optional(),
      rules: oneOrMore(rule).optional(),
      pair: z.tuple([z.number(), z.number()]).optional(),
      options: z.record(z.string().regex(/^\w+$/, 'expected letters and digits'), z.number()).optional(),
    })
    .readonly()
  const kind = { what: 'experiment file', schema, example: '"names: [a]"' }

  test.each([
    ['', 'experiment file FILE has no settings; expected names with values, as in "names: [a]"'],
    ['# names: [a]\n', 'experiment file FILE has no settings; expected names with values, as in "names: [a]"'],
    ['- names\n', 'experiment file FILE is a list; expected names with values, as in "names: [a]"'],
    ['names', 'experiment file FILE is a single value without a name; expected names with values, as in "names: [a]"'],
    ['names\0', 'experiment file FILE is not text; expected names with values, as in "names: [a]"'],
    ['jobs: 1', 'FILE: names is missing; add it, as in "names: [a]"'],
    ['names: []', 'FILE, line 1: names: expected at least 1 item, found []'],
    ['names:\n', 'FILE, line 1: names: expected a list, found nothing'],
    ['names: 3', 'FILE, line 1: names: expected a text, found 3'],
    ['names:\n  - a\n  - 3', 'FILE, line 3: names.1: expected a text, found 3'],
    ['names: a\njobs: two', 'FILE, line 2: jobs: expected a number, found two'],
    ['names: a\njobs: 0', 'FILE, line 2: jobs: expected at least 1, found 0'],
    ['names: a\nfast: yes', 'FILE, line 2: fast: expected true or false, found yes'],
    ['names: a\nfast: &f [*f]', 'FILE, line 2: fast: expected true or false, found [*f]'],
    ['names: a\nbackend: wams', 'unknown backend in FILE, line 2: "wams"; did you mean "wasm"? (known: wasm, webgpu)'],
    ['names: a\nlimits: [b]', 'FILE, line 2: limits: expected a number or an object, found [b]'],
    ['names: a\nlimits: { b: -1 }', 'FILE, line 2: limits.b: expected more than 0, found -1'],
    ['names: a\npair: [1]', 'FILE, line 2: pair: expected at least 2 items, found [1]'],
    ['names: a\noptions: { "b c": 1 }', 'FILE, line 2: options.b c: its name: expected letters and digits'],
    ['names: { b: 1 }', 'FILE, line 1: names: expected a text, found { b: 1 }'],
    ['names: a\nrules: { nam: b }', 'unknown setting of rules in FILE, line 2: "nam" (known: of)'],
    ['names: a\nrules:\n  of: {}', 'FILE, line 3: rules.of.name is missing; add it, as in "names: [a]"'],
    ['names: a\nrules: 3', 'FILE, line 2: rules: expected an object, found 3'],
    ['names: a\nrules:\n  - {}\n', 'FILE, line 3: rules.0.of is missing; add it, as in "names: [a]"'],
    ['names: a\nrules:\n  - of: 3\n', 'FILE, line 3: rules.0.of: expected a text or an object, found 3'],
    ['names: a\nnams: b', 'unknown setting in FILE, line 2: "nams"; did you mean "names"? (known: names, jobs,'],
    [
      'names: a\nrules:\n  - of: { nam: b }\n',
      'unknown setting of rules.0.of in FILE, line 3: "nam"; did you mean "name"? (known: name)',
    ],
  ])('%j', (text, message) => {
    expect(() => read(text, kind)).toThrow(message.replaceAll('FILE', file))
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

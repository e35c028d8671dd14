import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { loadPlugin } from '../../src/system/plugins.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'
import { Workplace } from '../support/command.ts'

const folder = temporaryFolder()

const written = (name: string, text: string): string => {
  const path = join(folder.path, name)
  writeFileSync(path, text)
  return path
}

/** Installs a package of one file in the folder, with these exports. */
function install(name: string, exports: unknown): void {
  const path = join(folder.path, 'node_modules', name)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, version: '1.2.3', type: 'module', exports }))
  writeFileSync(join(path, 'index.js'), `export default { name: '${name}', algorithms: [] }`)
}

/** A plugin with one algorithm of these members; `x` has all of them. */
const half = (members: string): string =>
  `const x = { name: 'x', version: 1, description: '', source: '', kind: 'supernet', search() {} }
export default { name: 'x', algorithms: [{ ${members} }] }`

describe('a plugin', () => {
  test.each([
    ['only for import, as today’s packages are', 'modern', { '.': { import: './index.js' } }],
    ['from one file', 'single', './index.js'],
    ['of an organisation', '@mine/scoped', './index.js'],
  ])('is a package of the user’s folder, exported %s', async (_, name, exports) => {
    install(name, exports)
    vi.spyOn(process, 'cwd').mockReturnValue(folder.path)
    const { plugin, origin } = await loadPlugin(name).finally(() => vi.restoreAllMocks())
    expect({ name: plugin.name, origin }).toEqual({ name, origin: `${name}@1.2.3` })
  })

  test('that is not installed is said to be missing', async () => {
    await expect(loadPlugin('nowhere-to-be-found')).rejects.toThrow('install it with npm install nowhere-to-be-found')
  })

  test.each([
    ['throws words while it loads', 'throw "no luck"', /cannot be loaded: no luck$/],
    ['throws nothing', 'throw null', /cannot be loaded: null$/],
    [
      'has no list of algorithms',
      'export default { name: "x", algorithms: { a: 1 } }',
      /: algorithms: expected a list, found an object/,
    ],
    ['has half an algorithm', half('name: "x"'), /: algorithms.0.version: expected a number, and it is missing/],
    ['is of another kind', half('...x, kind: "supernets"'), /: algorithms.0.kind: expected one of supernet/],
    ['has options that are no schema', half('...x, options: { tau: 1 }'), /.options: expected a schema, as z.strict/],
    ['has an algorithm that cannot be typed', half('...x, name: "My Search"'), /.name: expected letters, digits/],
    [
      'exports the algorithm itself',
      'export default { name: "x", kind: "supernet" }',
      /: it has neither algorithms nor/,
    ],
    ['exports nothing', 'export const x = 1', /its default export is to be definePlugin/],
    [
      'misspells an import',
      'import { nope } from "node:path"\nexport default nope(1)',
      /cannot be loaded: nope is not a/,
    ],
  ])('that %s is refused in one line', async (what, text, message) => {
    await expect(loadPlugin(written(`${what}.ts`, text))).rejects.toThrow(message)
  })

  test('is no folder', async () => {
    await expect(loadPlugin(`${folder.path}/`)).rejects.toThrow('is no file; name the one to import')
  })
})

describe('the content of a plugin file', () => {
  const origin = async (path: string) => (await loadPlugin(path)).origin
  const plugin = (imports: string) => `${imports}\nexport default { name: 'x', algorithms: [] }`

  test('that imports packages alone is its own hash', async () => {
    const text = plugin(
      "import { join, relative } from 'node:path'\nimport { z } from 'zod'\nexport const s = [z, join('../runner/')]",
    )
    const sha256 = createHash('sha256').update(text).digest('hex')
    expect(await origin(written('alone.ts', text))).toBe(`alone.ts@sha256:${sha256}`)
  })

  test.each([
    ['imports', 'direct.ts', "import { a } from './part.ts'\nexport const b = a"],
    ['imports without its ending', 'bare.ts', "import { a } from './part'\nexport const b = a"],
    ['imports natively', 'native.mjs', "import { a } from './part.mjs'\nexport const b = a"],
    ['hands on', 'barrel.ts', "export * from './part.ts'"],
    ['imports through another', 'through.ts', "import { a } from './between.ts'\nexport const b = a"],
    ['imports later', 'later.ts', 'export const later = () => import(`./part.ts`)'],
    ['reads as JSON', 'data.ts', "import a from './part.json'\nexport const b = a"],
    ['imports as CommonJS', 'common.ts', "import a from './part.cjs'\nexport const b = a"],
  ])('changes with a file that it %s', async (_, name, imports) => {
    written('between.ts', "export * from './part.ts'")
    const part = (a: number) => {
      for (const ending of ['ts', 'mjs']) written(`part.${ending}`, `export const a = ${a}`)
      written('part.cjs', `module.exports = ${a}`)
      written('part.json', `[${a}]`)
    }
    part(1)
    const path = written(name, plugin(imports))
    const before = await origin(path)
    expect(await origin(path)).toBe(before)
    part(2)
    expect(await origin(path)).not.toBe(before)
  })

  test('does not change with a file that gives it types alone', async () => {
    written('types.ts', 'export type T = number')
    const path = written('typed.ts', plugin("import type { T } from './types.ts'\nexport const a: T = 1"))
    const before = await origin(path)
    written('types.ts', 'export type T = number | string')
    expect(await origin(path)).toBe(before)
  })

  test('may be of files that import each other', async () => {
    written('ring.ts', plugin("import './gnir.ts'"))
    const path = written('gnir.ts', plugin("import './ring.ts'"))
    expect(await origin(path)).toMatch(/^gnir.ts@sha256:[0-9a-f]{64}$/)
  })
})

describe('a temporary folder that all users share', () => {
  /** A plugin that can only be imported, not required: the loader takes another way for those. */
  const waiting = 'await Promise.resolve()\n'

  test.each([
    ['a plugin', ''],
    ['a plugin that awaits', waiting],
    // Longer than a path or an address may be elsewhere.
    ['a long plugin that awaits', `${waiting}const text = '${'x'.repeat(2 ** 21)}'\n`],
  ])('is neither read nor written for %s', async (_, before) => {
    const place = new Workplace()
    const shared = join(place.folder, 'shared')
    const plugin = join(place.folder, 'mine.ts')
    mkdirSync(shared)
    writeFileSync(
      plugin,
      `${before}const x: object = { name: 'honest', version: 1, description: '', source: '', kind: 'supernet', search() {},
        options: { safeParse: () => ({ success: true, data: {} }) } }\nexport default { name: 'honest', algorithms: [x] }`,
    )
    vi.stubEnv('TMPDIR', shared)
    try {
      await fillCache(plugin, place.folder, shared)
      const prepared = filesIn(shared)
      for (const file of prepared) {
        const content = readFileSync(join(shared, file), 'utf8')
        writeFileSync(join(shared, file), content.replaceAll('honest', 'hostile'))
      }
      const { stdout, stderr } = await place.bench('list', 'algos', '--plugin', './mine.ts')
      expect(stderr).toBe('')
      expect(stdout).toContain('honest')
      expect(stdout).not.toContain('hostile')
      expect(filesIn(shared)).toEqual(prepared)
    } finally {
      vi.unstubAllEnvs()
      place.remove()
    }
  })

  /** What the loader itself would leave there, under the names that it looks for. */
  async function fillCache(plugin: string, folder: string, shared: string): Promise<void> {
    const { createJiti } = await import('jiti')
    const jiti = createJiti(join(folder, 'package.json'), { interopDefault: true, moduleCache: false, fsCache: true })
    await jiti.import(plugin)
    expect(filesIn(shared).length).toBeGreaterThan(0)
  }

  const filesIn = (path: string): string[] =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(path, join(entry.parentPath, entry.name)))
      .sort()
})

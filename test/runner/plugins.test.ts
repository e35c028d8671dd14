import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { loadPlugin } from '../../src/runner/plugins.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'

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
    ['has no list of algorithms', 'export default { name: "x", algorithms: { a: 1 } }', /no default export made by/],
    ['has half an algorithm', 'export default { name: "x", algorithms: [{ name: "x" }] }', /no default export made by/],
  ])('that %s is refused in one line', async (what, text, message) => {
    await expect(loadPlugin(written(`${what}.mjs`, text))).rejects.toThrow(message)
  })

  test('is no folder', async () => {
    await expect(loadPlugin(`${folder.path}/`)).rejects.toThrow('is no file; name the one to import')
  })
})

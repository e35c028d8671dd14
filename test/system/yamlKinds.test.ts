import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readMethod } from '../../src/algorithms/external/declaration.ts'
import { builtinAlgorithms } from '../../src/algorithms/index.ts'
import { readClaims } from '../../src/report/comparison/claims.ts'
import { readExperimentFile } from '../../src/runner/plan/experimentFile.ts'
import { readRecipe } from '../../src/tablebuild/recipeFile.ts'
import { readMapping } from '../../src/tables/importers/mapping.ts'

const folder = mkdtempSync(join(tmpdir(), 'kinds-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const names = Object.values(builtinAlgorithms).map(({ name }) => name)

/** Reads a file as every kind of YAML file that users write. */
const kinds: readonly [what: string, read: (path: string) => unknown][] = [
  ['experiment file', readExperimentFile],
  ['recipe', readRecipe],
  ['mapping', readMapping],
  ['file of claims', (path) => readClaims(path, names)],
  ['method file', readMethod],
]

test.each(kinds)('an empty %s is refused with an example, which can be read', async (what, read) => {
  const path = join(folder, 'x.yaml')
  writeFileSync(path, '')
  writeFileSync(join(folder, 'search.py'), 'print(\'{"type": "error", "message": "started"}\')')
  const message: string = await Promise.resolve(path)
    .then(read)
    .then(String, (error) => error.message)
  const [, example] = /^.* has no settings; expected names with values, as in (.*)$/.exec(message) ?? []
  expect(message).toContain(`${what} ${path} has no settings`)
  if (example.startsWith('"')) writeFileSync(path, JSON.parse(example))
  const found = Promise.resolve(example.startsWith('"') ? path : example).then(read)
  // The program of the method file is started, so the file was read.
  await (what === 'method file' ? expect(found).rejects.toThrow('started') : expect(found).resolves.toBeTruthy())
})

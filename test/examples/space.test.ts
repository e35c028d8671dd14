/** The example of a search space as a plugin, through the commands that its README shows. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { writePictures } from '../retrain/tinyTraining.ts'
import { Workplace } from '../support/command.ts'
import { full } from '../support/full.ts'

// Real processes, on machines that may be busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const file = (name: string) => fileURLToPath(new URL(`../../examples/space/${name}`, import.meta.url))
const PLUGIN = ['--plugin', file('tiny.ts')]
/** The built-in images, as in the README, or a few small pictures: to draw and measure all test images takes time. */
const dataset = full ? 'shapes' : 'pictures'
const IMAGES = full ? [] : ['--data', 'pictures']
const protocol = 'micro:epochs=1,data.limit=16,batchSize=8,data.imageSize=8'
const SEARCH = ['run', ...PLUGIN, '--space', 'tiny', '--dataset', dataset, ...IMAGES, '--protocol', protocol]

let place: Workplace
let recipe: string
beforeAll(async () => {
  place = new Workplace()
  await writePictures(join(place.folder, 'pictures'))
  recipe = join(place.folder, 'recipe.yaml')
  writeFileSync(recipe, readFileSync(file('recipe.yaml'), 'utf8').replace('dataset: shapes', `dataset: ${dataset}`))
})
afterAll(() => place.remove())

/** Runs a command that must succeed, and returns what it prints. */
async function printed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await place.bench(...args)
  expect(code, stderr).toBe(0)
  return stdout
}

test('the space of the example keeps every rule of the contract suite', async () => {
  const results = JSON.parse(await printed('check', 'plugin', file('tiny.ts'), '--json'))
  expect(results.rows.length).toBeGreaterThan(5)
  expect(results.rows.map(({ kept }: { kept: string }) => kept)).not.toContain('no')
})

test('a search before the space has a table says which command builds one', async () => {
  const { code, stderr } = await place.bench(...SEARCH, '--algo', 'drnas', '--seeds', '1')
  expect(code).toBe(2)
  expect(stderr).toContain('no table of tiny has ')
  expect(stderr).toContain(`bench tables build --plugin ${file('tiny.ts')} --space tiny`)
})

test('its table is built, checked and queried, and searches look their results up in it', async () => {
  await printed(
    'tables',
    'build',
    ...PLUGIN,
    '--recipe',
    recipe,
    ...IMAGES,
    '--as',
    'tiny-shapes',
    '--jobs',
    '1',
    '--quiet',
  )
  const checked = await printed(
    'tables',
    'build',
    ...PLUGIN,
    ...IMAGES,
    '--as',
    'tiny-shapes',
    '--check',
    '1',
    '--quiet',
  )
  expect(checked).toContain('1 of 1 training')

  const answer = await printed('query', '5', ...PLUGIN, '--table', 'tiny-shapes', '--neighbours')
  expect(answer).toContain('6 that the table has')

  const found = JSON.parse(await printed(...SEARCH, '--algo', 'drnas', '--algo', 'rea', '--seeds', '1', '--json'))
  expect(found.runs.map(({ genotype }: { genotype: string }) => genotype.split('+').length)).toEqual([3, 3])
  expect(found.runs.flatMap(({ failure }: { failure?: string }) => failure ?? [])).toEqual([])
})

test('its cells are described and drawn', async () => {
  const shown = await printed('genotype', 'show', 'conv_3x3+skip_connect+conv_3x3', ...PLUGIN, '--space', 'tiny')
  expect(shown).toContain('node 2 = skip_connect(0) + conv_3x3(1)')
  expect(shown).toContain('C=8 N=2 on 16×16×3, 10 classes')
  const drawn = await printed('genotype', 'show', '7', ...PLUGIN, '--space', 'tiny', '--svg')
  expect(drawn).toContain('<svg')
})

test('a table of the space is refused without the plugin, with advice', async () => {
  const { code, stderr } = await place.bench('query', '5', '--table', 'tiny-shapes')
  expect(code).toBe(2)
  expect(stderr).toContain('a space of a plugin needs --plugin FILE')
})

/**
 * What is there and cannot be read is never taken for absent, whoever looks: links to themselves stand for all such
 * files.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { placesOf, placesOfStore } from '../../src/cli/places.ts'
import { openFileDataset } from '../../src/data/files/fileDatasets.ts'
import { openFolder } from '../../src/data/files/fileTree.ts'
import { readReport } from '../../src/report/committed/records.ts'
import { readArchitecture } from '../../src/retrain/genotypeArgument.ts'
import { TrainingFolder } from '../../src/retrain/trainingFolder.ts'
import { queuedJobs, readOrders } from '../../src/runner/slurm/arrays.ts'
import { Store } from '../../src/runner/store/store.ts'
import { builtinSpaces } from '../../src/spaces/index.ts'
import { loadPlugin } from '../../src/system/plugins.ts'
import { isThere, listIfThere, readIfThere } from '../../src/system/readable.ts'
import { Trainings } from '../../src/tablebuild/completing.ts'
import { readJournals } from '../../src/tablebuild/journal.ts'
import { listTables, openManifest } from '../../src/tables/openTable.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'
import { recipe } from '../tablebuild/tinyBuild.ts'

const folder = temporaryFolder()

/** A folder in which the named file is a link to itself. */
function withLoop(file: string): string {
  const path = join(folder.path, file)
  mkdirSync(join(path, '..'), { recursive: true })
  symlinkSync(path, path)
  return folder.path
}

const kept = (root: string) => new Trainings(recipe, root).path('a').slice(root.length + 1)

describe('what cannot be read is said to be there, by', () => {
  test.each<[string, (root: string) => string, (root: string) => unknown]>([
    ['the list of tables', () => 'tables', (root) => listTables({ folders: [join(root, 'tables')] })],
    ['a table', () => 'a.manifest.json', (root) => openManifest('a', { folders: [root] })],
    ['a dataset', () => 'images', (root) => openFileDataset('cifar10', { folder: join(root, 'images') })],
    ['a folder of images', () => 'train/cat', (root) => readAll(root)],
    ['a genotype', () => 'found.json', (root) => readArchitecture(join(root, 'found.json'))],
    ['a plugin', () => 'own.ts', (root) => loadPlugin(join(root, 'own.ts'))],
    ['a training', () => 'x/result.json', (root) => new TrainingFolder(root, 'x').result()],
    ['its checkpoint', () => 'x/checkpoint', (root) => new TrainingFolder(root, 'x').checkpoint()],
    ['kept trainings', kept, (root) => new Trainings(recipe, root).read('a')],
    ['the journals of a build', () => 'recipe.json', (root) => readJournals(root, recipe)],
    ['work orders', () => 'orders.json', (root) => readOrders(root)],
    ['the arrays of a store', () => 'slurm/x/orders.json', (root) => queuedJobs(new Store(root))],
    ['a report', () => 'report.json', (root) => readReport(root, (name) => builtinSpaces[name])],
    ['the records of a report', () => 'runs.jsonl.gz', (root) => withRecipe(root)],
    ['a place of runs', () => 'store', (root) => placesOf(join(root, 'store'), undefined)],
    ['a store', () => 'store', (root) => placesOfStore(join(root, 'store'))],
    ['a report among others', () => 'one/report.json', (root) => placesOf(root, undefined)],
    ['a checkpoint of a run', () => 'x/checkpoint', (root) => new Store(root).run('x').resume()],
    ['the epochs of a run', () => 'x/epochs.jsonl', (root) => new Store(root).run('x').epochs()],
  ])('%s', async (_, file, read) => {
    const root = withLoop(file(folder.path))
    await expect((async () => read(root))()).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/^cannot read .* \(ELOOP: .*\); make it readable, or move it away$/),
    })
  })
})

async function readAll(root: string) {
  const tree = await openFolder(root)
  return Promise.all(tree.paths.map((path) => tree.read(path)))
}

async function withRecipe(root: string) {
  writeFileSync(join(root, 'report.json'), JSON.stringify({ schema: 1, title: '', published: 'none', mix: false }))
  return readReport(root, (name) => builtinSpaces[name])
}

test('what is not there is absent: nothing, below a file, or by a name longer than any file has', () => {
  writeFileSync(join(folder.path, 'file'), '')
  for (const name of ['gone', 'gone/below', 'file/below', 'x'.repeat(300)]) {
    const path = join(folder.path, name)
    expect([isThere(path), readIfThere(path), listIfThere(path)]).toEqual([false, undefined, undefined])
  }
  expect(isThere(join(folder.path, 'file'))).toBe(true)
})

test('a folder in the place of a file, and a file in that of a folder, are not absent', () => {
  mkdirSync(join(folder.path, 'folder'))
  expect(() => readIfThere(join(folder.path, 'folder'))).toThrow(/cannot read .*folder \(EISDIR: /)
  expect(() => readFileSync(join(folder.path, 'folder'))).toThrow('EISDIR')
})

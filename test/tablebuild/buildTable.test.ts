import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { checkRows, mergeTables, sampleRows } from '../../src/tablebuild/buildTable.ts'
import { openTrainer, type Trainer } from '../../src/tablebuild/trainers.ts'
import { sharing } from '../../src/tablebuild/trainingSet.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { readCurves } from '../../src/tables/readCurves.ts'
import { temporaryFolder } from '../tables/temporaryFolder.ts'
import { build, countingTrainer, data, recipe } from './tinyBuild.ts'

const root = temporaryFolder()
/** 1835 is the cell of skip connections alone, which many cells are. */
const indices = [1835, 1462, 11472]
const open = (folder: string, name = 'tiny') => openTable(name, { folders: [folder] })
const accuracies = async (folder: string, name?: string) => {
  const table = await open(folder, name)
  return [...table.indices()].map((index) => [index, table.metrics(index)])
}
let whole: string

beforeAll(async () => {
  whole = join(root, 'whole')
  await build(whole, await countingTrainer(), { indices })
})

describe('building a table', () => {
  test('trains each network once per seed, all networks with the first seed first', async () => {
    const trainer = await countingTrainer()
    await build(join(root, 'order'), trainer, { indices })
    const { servedBy } = sharing(nb201, recipe)
    const networks = indices.map(servedBy)
    expect(trainer.trained.map((task) => task.split('/')[1])).toEqual(['777', '777', '777', '888', '888', '888'])
    expect(new Set(trainer.trained.slice(0, 3))).toEqual(new Set(networks.map((index) => `${index}/777`)))
  })

  test('gives a training’s numbers to all cells that are the same network, and rows to no others', async () => {
    const table = await open(whole)
    const { servedBy } = sharing(nb201, recipe)
    const served = Array.from({ length: 15625 }, (_, index) => index).filter((index) =>
      indices.map(servedBy).includes(servedBy(index)),
    )
    expect([...table.indices()]).toEqual(served)
    expect(table.metrics(1835)).toEqual(table.metrics(servedBy(1835)))
    expect(table.metrics(1835)).not.toEqual(table.metrics(1462))
  })

  test('has every split and seed, and their mean over the seeds', async () => {
    const table = await open(whole)
    const qualifier = { dataset: 'shapes', split: 'x-valid', epochs: 1 }
    const [first, second] = recipe.seeds.map((seed) => table.value(1462, { ...qualifier, seed }) ?? Number.NaN)
    expect(table.value(1462, { ...qualifier, seed: 'mean' })).toBe((first + second) / 2)
    expect(new Set(table.qualifiers.map(({ split }) => split))).toEqual(new Set(['train', 'x-valid', 'x-test']))
    expect(table.manifest.oracles.shapes.accuracy).toBe('shapes/x-valid/1/mean')
    expect(table.manifest.recipe).toEqual(recipe)
  })

  test('has per-epoch curves of all cells that share a training', async () => {
    const folder = join(root, 'curves')
    await build(folder, await countingTrainer(), { indices: [1835], curves: true })
    const [served] = [...(await open(folder)).indices()]
    const curves = await readCurves('tiny', served, { folders: [folder] })
    const table = await open(folder)
    const train = (seed: number) => table.value(1835, { dataset: 'shapes', split: 'train', epochs: 1, seed })
    expect(curves).toMatchObject(
      recipe.seeds.map((seed) => ({
        split: 'train',
        epochs: 1,
        seed,
        accuracyPct: [expect.closeTo(train(seed) ?? -1, 4)],
      })),
    )
  })

  test('adds to an earlier table whose journals are missing', async () => {
    const folder = join(root, 'without')
    await build(folder, await countingTrainer(), { indices: [1462] })
    rmSync(join(folder, 'tiny.build'), { recursive: true })
    const result = await build(folder, await countingTrainer(), { indices })
    expect(result).toMatchObject({ before: 2, done: 4 })
    expect(await accuracies(folder)).toEqual(await accuracies(whole))
  })

  test('stopped and started again, trains only the rest and gives the same numbers', async () => {
    const folder = join(root, 'stopped')
    const [early, late] = [await countingTrainer(), await countingTrainer()]
    await build(folder, early, { indices, stopped: () => early.trained.length === 2 })
    const result = await build(folder, late, { indices })
    expect([early.trained.length, late.trained.length]).toEqual([2, 4])
    expect(result).toMatchObject({ total: 6, before: 2, done: 4 })
    expect(await accuracies(folder)).toEqual(await accuracies(whole))
  })

  test('after an incomplete line in the journal, repeats that training and appends after the complete lines', async () => {
    const folder = join(root, 'torn')
    await build(folder, await countingTrainer(), { indices })
    const journal = join(folder, 'tiny.build', 'part-1-of-1.jsonl')
    truncateSync(journal, readFileSync(journal).length - 10)
    rmSync(join(folder, 'tiny.manifest.json'))
    const trainer = await countingTrainer()
    await build(folder, trainer, { indices })
    expect(trainer.trained.length).toBe(1)
    expect(await accuracies(folder)).toEqual(await accuracies(whole))
  })

  test('ignores a journal line whose content was changed', async () => {
    const folder = join(root, 'changed')
    await build(folder, await countingTrainer(), { indices: [1462], seeds: [777] })
    appendFileSync(join(folder, 'tiny.build', 'part-1-of-1.jsonl'), '0123456789abcdef {"index":1835}\n')
    const result = await build(folder, await countingTrainer(), { indices: [1462], seeds: [777] })
    expect(result).toMatchObject({ before: 1, done: 0 })
  })

  test('stops at a training that diverges, names it, and keeps its numbers out of the table', async () => {
    const training = { ...recipe.training, learningRate: 1e30, learningRateMin: 1e30 }
    const trainer = await openTrainer({ space: nb201, recipe: { ...recipe, training }, data })
    const building = build(join(root, 'diverging'), trainer, { recipe: { ...recipe, training }, indices: [4] })
    await expect(building).rejects.toThrow(
      /^seed 777 of \|.*\|, epoch 1 of 1: the (training loss|norm of the network weights) is (NaN|Infinity), not a finite/,
    )
    expect(existsSync(join(root, 'diverging/tiny.manifest.json'))).toBe(false)
  })

  test('keeps what the others trained when one training fails', async () => {
    const folder = join(root, 'failing')
    const sound = await countingTrainer()
    const failing: Trainer = { train: () => Promise.reject(new Error('lost')), close: () => {} }
    await expect(build(folder, sound, { indices, trainers: async () => [sound, failing] })).rejects.toThrow('lost')
    const result = await build(folder, await countingTrainer(), { indices })
    expect(result.before).toBe(sound.trained.length)
    expect(sound.trained.length).toBeGreaterThan(0)
  })

  test('starts from the rows of another table, and trains only their missing seeds', async () => {
    const first = join(root, 'first')
    await build(first, await countingTrainer(), { indices, seeds: [777] })
    const trainer = await countingTrainer()
    const folder = join(root, 'second')
    await build(folder, trainer, { indices, from: [await open(first)] })
    expect(trainer.trained.map((task) => task.split('/')[1])).toEqual(['888', '888', '888'])
    expect(await accuracies(folder)).toEqual(await accuracies(whole))
  })

  test('refuses a folder with trainings by another recipe', async () => {
    const folder = join(root, 'journals')
    await build(folder, await countingTrainer(), { indices: [1462] })
    rmSync(join(folder, 'tiny.manifest.json'))
    const other = { ...recipe, batchSize: 10 }
    await expect(build(folder, await countingTrainer(), { recipe: other })).rejects.toThrow(
      /holds trainings by another recipe/,
    )
  })

  test('refuses to replace a table by another recipe, and leaves nothing behind', async () => {
    const folder = join(root, 'replaced')
    await build(folder, await countingTrainer(), { indices: [1462] })
    rmSync(join(folder, 'tiny.build'), { recursive: true })
    const other = { ...recipe, batchSize: 10 }
    await expect(build(folder, await countingTrainer(), { recipe: other })).rejects.toThrow(/built by another recipe/)
    expect(readdirSync(folder).sort()).toEqual(['tiny.arrow', 'tiny.manifest.json'])
  })

  test('refuses to start from a table by another recipe', async () => {
    const other = { ...recipe, batchSize: 10 }
    const from = [await open(whole)]
    await expect(build(join(root, 'mixed'), await countingTrainer(), { recipe: other, from })).rejects.toThrow(
      /table tiny was built by another recipe/,
    )
  })
})

describe('merging tables', () => {
  test('parts of several machines give the complete table', async () => {
    const parts = [1, 2].map((number) => ({ number, of: 2 }))
    const tables = []
    for (const shard of parts) {
      const folder = join(root, `part${shard.number}`)
      await build(folder, await countingTrainer(), { indices, shard })
      tables.push(await open(folder))
    }
    mergeTables(tables, { name: 'merged', folder: root, space: nb201, shape: data.shape })
    expect(await accuracies(root, 'merged')).toEqual(await accuracies(whole))
  })

  test('tables of different seeds give a table of all seeds', async () => {
    const tables = []
    for (const seed of recipe.seeds) {
      const folder = join(root, `seed${seed}`)
      await build(folder, await countingTrainer(), { indices, recipe: { ...recipe, seeds: [seed] } })
      tables.push(await open(folder))
    }
    mergeTables(tables, { name: 'seeds', folder: root, space: nb201, shape: data.shape })
    expect(await accuracies(root, 'seeds')).toEqual(await accuracies(whole))
    expect((await open(root, 'seeds')).manifest.recipe).toEqual(recipe)
  })
})

describe('checking a table', () => {
  test('training rows again gives the same numbers, bit for bit', async () => {
    const table = await open(whole)
    const rebuilt = await checkRows(table, nb201, sampleRows(table, 3), [await countingTrainer()])
    expect(rebuilt.length).toBe(6)
    expect(rebuilt.every(({ equal }) => equal)).toBe(true)
  })

  test('reports a training that gives another number', async () => {
    const table = await open(whole)
    const trainer = await countingTrainer()
    const other: Trainer = { train: (task) => trainer.train({ ...task, seed: 5 }), close: () => {} }
    const swapped: Trainer = { ...other, train: async (task) => ({ ...(await other.train(task)), seed: task.seed }) }
    const [rebuilt] = await checkRows(table, nb201, [1462], [swapped])
    expect(rebuilt).toMatchObject({ index: 1462, equal: false })
  })
})

import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Evaluator } from '../../src/core/evaluation.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { completingEvaluator, Trainings } from '../../src/tablebuild/completing.ts'
import { sharing } from '../../src/tablebuild/trainingSet.ts'
import { openTable } from '../../src/tables/openTable.ts'
import type { Table } from '../../src/tables/table.ts'
import { tableEvaluator } from '../../src/tables/tableEvaluator.ts'
import { temporaryFolder } from '../tables/temporaryFolder.ts'
import { build, countingTrainer, data, recipe } from './tinyBuild.ts'

const root = temporaryFolder()
const RESNET = nb201.parse('|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|')
const ALL_3X3 = nb201.parse(
  '|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|',
)
let part: Table
let whole: Table

beforeAll(async () => {
  const folders = { part: join(root, 'part'), whole: join(root, 'whole') }
  const indices = [RESNET, ALL_3X3].map((genotype) => nb201.numbering?.indexOf(genotype) ?? -1)
  await build(folders.whole, await countingTrainer(), { indices })
  await build(folders.part, await countingTrainer(), { indices: indices.slice(0, 1) })
  part = await openTable('tiny', { folders: [folders.part] })
  whole = await openTable('tiny', { folders: [folders.whole] })
})

/** Trains what `part` lacks. */
async function complete(folder: string): Promise<Evaluator & { readonly trained: readonly string[] }> {
  const trainer = await countingTrainer()
  const { servedBy } = sharing(nb201, recipe)
  const evaluator = completingEvaluator(tableEvaluator(part, nb201, 'shapes'), {
    space: nb201,
    recipe,
    shape: data.shape,
    trainings: new Trainings(recipe, join(root, folder)),
    train: (genotype, seed) => trainer.train({ index: servedBy(nb201.numbering?.indexOf(genotype) ?? -1), seed }),
  })
  return { ...evaluator, trained: trainer.trained }
}

describe('a table whose missing rows are trained when they are needed', () => {
  test('answers from its rows without training', async () => {
    const evaluator = await complete('rows')
    expect(await evaluator.evaluate(RESNET)).toEqual(await tableEvaluator(whole, nb201, 'shapes').evaluate(RESNET))
    expect(evaluator.trained).toEqual([])
  })

  test('trains a missing row to the numbers of the complete table, including parameters and multiply-accumulates', async () => {
    const evaluator = await complete('missing')
    expect(await evaluator.lookup(ALL_3X3)).toBe(undefined)
    const byTable = await tableEvaluator(whole, nb201, 'shapes').evaluate(ALL_3X3)
    const bySpot = await evaluator.evaluate(ALL_3X3)
    expect(new Set(bySpot.metrics)).toEqual(new Set(byTable.metrics))
    expect(bySpot).toMatchObject({ parameters: byTable.parameters, macs: byTable.macs })
    expect(evaluator.trained.length).toBe(recipe.seeds.length)
  })

  test('trains a missing row once, for all evaluators and all queries', async () => {
    const first = await complete('once')
    const { accuracyPct } = await first.validate(ALL_3X3)
    const second = await complete('once')
    const validation = (await second.lookup(ALL_3X3))?.metrics.find((m) => m.split === 'x-valid' && m.seed === 'mean')
    expect(validation?.accuracyPct).toBe(accuracyPct)
    expect(second.trained).toEqual([])
  })
})

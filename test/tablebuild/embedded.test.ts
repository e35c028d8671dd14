import { beforeAll, describe, expect, test } from 'vitest'
import type { Dataset } from '../../src/data/dataset.ts'
import { openDataset } from '../../src/data/openDataset.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { checkRows, sampleRows } from '../../src/tablebuild/buildTable.ts'
import { readRecipe, recipeFor } from '../../src/tablebuild/recipeFile.ts'
import { openTrainer } from '../../src/tablebuild/trainers.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { recipeOf } from '../../src/tables/recipe.ts'
import type { Table } from '../../src/tables/table.ts'
import { embeddedTables } from '../../src/tables/tableFolders.ts'
import { full } from '../support/full.ts'

let table: Table
let data: Dataset

beforeAll(async () => {
  table = await openTable('nb201-micro', { folders: [embeddedTables] })
  data = await openDataset('shapes')
})

describe('the embedded table', () => {
  test('was built by the recipe in the package', () => {
    expect(recipeOf(table.manifest)).toEqual(recipeFor(readRecipe('micro'), data.contentHash))
  })

  // `bench tables build --as nb201-micro --check 20` does the same with as many rows as one likes.
  test.runIf(full)(
    'has the same numbers, bit for bit, as random rows that are trained again',
    { timeout: 300_000 },
    async () => {
      const trainer = await openTrainer({ space: nb201, recipe: recipeOf(table.manifest), data })
      const rebuilt = await checkRows(table, nb201, sampleRows(table, 3), [trainer])
      expect(rebuilt.length).toBeGreaterThanOrEqual(3)
      expect(rebuilt.filter(({ equal }) => !equal)).toEqual([])
    },
  )

  test('has validation and test accuracies of every row, and a rule for the queries of a search', () => {
    const { epochs } = recipeOf(table.manifest).training
    for (const split of ['train', 'x-valid', 'x-test']) {
      const column = table.accuracy({ dataset: 'shapes', split, epochs, seed: 'mean' })
      const values = [...table.indices()].map((index) => column.at(table.row(index) ?? -1) ?? -1)
      expect(values.every((value) => value > 5 && value <= 100)).toBe(true)
    }
    expect(table.manifest.oracles.shapes).toMatchObject({
      accuracy: `shapes/x-valid/${epochs}/mean`,
      seconds: [{ column: `train-seconds:shapes/${epochs}` }, { column: `eval-seconds:shapes/x-valid/${epochs}` }],
    })
  })
})

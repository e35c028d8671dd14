/** The committed scores of all cells of NAS-Bench-201 (`reports/nb201-scores`), which `benchmarks/scores/wholeSpace.ts` writes. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { openScoring } from '../../src/tablebuild/scorers.ts'
import { scoreTask } from '../../src/tablebuild/scoreTable.ts'
import { numberingOf, sharing } from '../../src/tablebuild/trainingSet.ts'

const file = new URL('../../reports/nb201-scores/scores.csv.gz', import.meta.url)
const rows: Readonly<Record<string, string>>[] = parse(gunzipSync(readFileSync(file)), { columns: true })
const scores = Object.keys(rows[0]).filter((name) => name !== 'arch')

test('has every cell of the space, in the benchmark’s order, with all scores', () => {
  const numbering = numberingOf(nb201)
  expect(rows.map(({ arch }) => arch)).toEqual(
    Array.from({ length: numbering.count }, (_, index) => nb201.format(numbering.at(index))),
  )
  expect(rows.every((row) => scores.every((name) => Number.isFinite(Number(row[name] || Number.NaN))))).toBe(true)
})

test('has the scores that the program computes', async () => {
  const names = scores.map((name) => name.split(':')[0])
  // Weights are all that these scores read, so that the images of the report are not needed.
  const scoring = await openScoring({
    ...{ space: 'nb201', plugins: [], scores: names, dataset: 'gaussian', batchSize: 2, initialisation: 'uniform' },
    executor: { backend: 'wasm', threads: 1 },
  })
  // The other cells of the same network have the score of the first one.
  const { servedBy } = sharing(nb201, { share: true })
  const owners = [0, 1462, 11111].map(servedBy)
  for (const index of owners) {
    const { arch } = rows[index]
    const { values } = await scoreTask(scoring, { arch, seed: 0, scores: names })
    scores.forEach((name, i) => {
      expect(Number(rows[index][name]) / values[i], `${name} of ${arch}`).toBeCloseTo(1, 5)
    })
  }
})

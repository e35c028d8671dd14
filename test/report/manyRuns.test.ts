/** The work of a report on many runs: it grows with their number, and not with its square. */
import { describe, expect, test } from 'vitest'
import type { SearchSpace } from '../../src/core/space.ts'
import { figuresOf, tablesOf } from '../../src/report/content.ts'
import { renderPage } from '../../src/report/page/page.ts'
import type { RunRecord } from '../../src/report/runRecord.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { full } from '../support/full.ts'
import { askingRun, failedRun, fixtureRuns, trainedRun } from './fixtureRuns.ts'

const FEW = full ? 30 : 15
const TIMES = full ? 8 : 4

const seeds = (n: number) => Array.from({ length: n }, (_, seed) => seed)
const operations = ['max_pool_3x3', 'avg_pool_3x3', 'skip_connect', 'sep_conv_3x3', 'sep_conv_5x5', 'dil_conv_5x5']

/** A cell of its own for each number below 216. */
function cell(number: number): string {
  const [a, b, c] = [0, 1, 2].map((digit) => operations[Math.floor(number / 6 ** digit) % 6])
  return darts
    .format(darts.parse('DARTS_V2'))
    .replace('sep_conv_3x3', a)
    .replace(/sep_conv_3x3(?!.*sep_conv_3x3)/, b)
    .replace('dil_conv_3x3', c)
}

const stores: Readonly<Record<string, (n: number) => readonly RunRecord[]>> = {
  'searches that train': (n) => [...fixtureRuns(n), ...fixtureRuns(n, { algorithm: 'darts-v1' })],
  'black-box searches': (n) =>
    seeds(n).map((seed) => askingRun([{ genotype: 'x', accuracyPct: seed / n, usedSeconds: 1 + seed }], { seed })),
  'failed searches': (n) => [...fixtureRuns(2), ...seeds(n).map((seed) => failedRun({ algorithm: 'gdas', seed }))],
  'searches with settings of their own': (n) =>
    seeds(n).flatMap((k) => fixtureRuns(2, { algorithm: 'drnas', options: { k } })),
  'trainings of one architecture': (n) => seeds(n).map((seed) => trainedRun({ seed })),
  'trainings of many architectures': (n) => seeds(n).map((number) => trainedRun({ genotype: cell(number % 216) })),
}

describe.each(Object.entries(stores))('a report on %s', (_, made) => {
  test('looks at each run about as often, however many there are', async () => {
    const [few, many] = [await looksAtEach(made(FEW)), await looksAtEach(made(TIMES * FEW))]
    // Sorting compares each with more others when there are more: log(8·30)/log(30) = 1.6 times as many.
    expect(many).toBeLessThan(2 * few)
  })
})

/** How often the page reads a part of a run, per run. */
async function looksAtEach(runs: readonly RunRecord[]): Promise<number> {
  let looks = 0
  const counting = runs.map(
    (run) =>
      new Proxy(run, {
        get(target, part, receiver) {
          looks++
          return Reflect.get(target, part, receiver)
        },
      }),
  )
  const options = { space: nb201 as unknown as SearchSpace, published: 'none', references: new Set<string>() }
  const figures = await figuresOf(counting, options)
  renderPage({ title: 'fixture', runs: counting, tables: tablesOf(counting, options), figures })
  return looks / runs.length
}

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { midRanks } from '../../src/analysis/statistics/ranks.ts'
import { scoreCorrelations, scoreCorrelationTable } from '../../src/report/listings/scoreCorrelations.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { chosenArchitectures } from '../../src/tablebuild/scoreArchitectures.ts'
import { type NamedScoring, scoreByName } from '../../src/tablebuild/scoreByName.ts'
import { openScoring, type ScoringChoice } from '../../src/tablebuild/scorers.ts'
import { type ScoreTask, scoreTable, scoreTask } from '../../src/tablebuild/scoreTable.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { temporaryFolder } from '../tables/temporaryFolder.ts'

const choice: ScoringChoice = {
  space: 'nb201',
  plugins: [],
  scores: ['params', 'synflow', 'naswot', 'synflow+naswot'],
  dataset: 'gaussian',
  ...{ channels: 4, depth: 1, imageSize: 8 },
  batchSize: 4,
  initialisation: 'uniform',
  executor: { backend: 'wasm', threads: 1 },
}

interface Run {
  readonly name: string
  readonly folder: string
  readonly architectures: readonly string[]
  readonly seeds?: readonly number[]
  readonly share?: boolean
  readonly most?: number
  readonly change?: Partial<ScoringChoice>
}

/** Scores in this process, and returns the result, the table, and the tasks that were done. */
async function run({ name, folder, architectures, seeds = [0, 1], share = true, most = 1000, change = {} }: Run) {
  const scoring = await openScoring({ ...choice, ...change })
  const done: ScoreTask[] = []
  const worker = {
    run(task: ScoreTask) {
      done.push(task)
      return scoreTask(scoring, task)
    },
    close() {},
  }
  const result = await scoreTable({
    ...{ name, folder, scoring, architectures, seeds, share },
    table: await openTable('nb201-micro'),
    workers: async () => [worker],
    onProgress: () => {},
    stopped: () => done.length >= most,
  })
  return { result, done, table: await openTable(join(folder, `${name}.arrow`)) }
}

const architectures = chosenArchitectures(nb201, '6')

describe('a table of scores', () => {
  const folder = temporaryFolder()
  const setting = 'gaussian/C4-N1-8px'

  test('has a column for each score and seed, their means, sums of ranks, and the copied accuracies', async () => {
    const { table, result } = await run({ name: 'whole', folder, architectures })
    const read = (name: string) => Array.from({ length: table.rows }, (_, row) => table.column(name).at(row) as number)
    expect(table.rows).toBe(6)
    expect(result.total - result.done - result.before).toBe(0)
    const synflow = read(`synflow:${setting}/uniform/mean`)
    const [first, second] = [0, 1].map((seed) => read(`synflow:${setting}/uniform/${seed}`))
    expect(first).not.toEqual(second)
    expect(synflow).toEqual(first.map((value, i) => (value + second[i]) / 2))
    const naswot = read(`naswot:${setting}/batch4/uniform/mean`)
    const ranks = midRanks(synflow).map((rank, i) => rank + midRanks(naswot)[i])
    expect(read(`rank-sum:synflow+naswot/${setting}/batch4/uniform/mean`)).toEqual(ranks)
    const micro = await openTable('nb201-micro')
    const accuracy = 'shapes/x-test/4/mean'
    expect(read(accuracy)).toEqual(
      [...table.indices()].map((index) => micro.column(accuracy).at(micro.row(index) as number)),
    )
  })

  test('interrupted and continued, has the same numbers as in one go, and scores nothing twice', async () => {
    const whole = await run({ name: 'whole', folder, architectures })
    expect(whole.done).toEqual([])
    const part = await run({ name: 'parts', folder, architectures, most: 3 })
    expect(part.result.done).toBe(3)
    const rest = await run({ name: 'parts', folder, architectures })
    expect(rest.result.before).toBe(3)
    const seen = [...part.done, ...rest.done].map(({ arch, seed }) => `${seed} ${arch}`)
    expect(new Set(seen).size).toBe(seen.length)
    for (const { name } of whole.table.manifest.columns.filter(({ type }) => type !== 'utf8')) {
      const [a, b] = [whole.table, rest.table].map((table) =>
        Array.from({ length: table.rows }, (_, row) => table.column(name).at(row)),
      )
      expect(b, name).toEqual(a)
    }
  })

  test('killed in the middle of a line of its journal, goes on with the whole lines', async () => {
    const path = join(folder, 'parts.scores', 'scores.jsonl')
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.slice(0, -20))
    const { done, result } = await run({ name: 'parts', folder, architectures })
    expect(done).toHaveLength(1)
    expect(result.before + result.done).toBe(result.total)
  })

  test('grows by scores and architectures, and keeps the columns of other settings', async () => {
    const more = chosenArchitectures(nb201, '8')
    expect(more.slice(0, 6)).toEqual(architectures)
    const { table } = await run({
      ...{ name: 'parts', folder, architectures: more, seeds: [0] },
      change: { scores: ['l2-norm'], depth: 2 },
    })
    expect(table.rows).toBe(8)
    expect(table.has('l2-norm:gaussian/C4-N2-8px/uniform/0')).toBe(true)
    const old = table.column(`synflow:${setting}/uniform/0`)
    expect(Array.from({ length: 8 }, (_, row) => old.at(row)).filter((value) => value === undefined)).toHaveLength(2)
  })

  test('scores equal networks once where only the output counts, and each by itself otherwise or on request', async () => {
    const conv = '|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|'
    const same = '|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|'
    expect(nb201.trainingKey?.(nb201.parse(conv))).toBe(nb201.trainingKey?.(nb201.parse(same)))
    const equal = { folder, architectures: [conv, same], seeds: [0] }
    const synflow = async (share: boolean) => {
      const { table, done } = await run({ ...equal, name: `equal-${share}`, share, change: { scores: ['synflow'] } })
      return { values: [0, 1].map((row) => table.column(`synflow:${setting}/uniform/0`).at(row)), tasks: done.length }
    }
    const shared = await synflow(true)
    expect(shared.tasks).toBe(1)
    expect(shared.values[0]).toBe(shared.values[1])
    expect((await synflow(false)).tasks).toBe(2)
    const both = await run({ ...equal, name: 'both', change: { scores: ['params', 'naswot'] } })
    expect(both.done).toHaveLength(2)
  })

  test('is compared with the accuracies of every dataset that it has', async () => {
    const table = await openTable(join(folder, 'whole.arrow'))
    const found = scoreCorrelations(table)
    expect(found.map(({ accuracy }) => accuracy)).toEqual(found.map(() => 'shapes/x-test/4/mean'))
    expect(new Set(found.map(({ score }) => score)).size).toBe(found.length)
    expect(found[0]).toMatchObject({ score: `params:${setting}`, all: { n: 6 }, best: { n: 1, spearman: undefined } })
    const printed = scoreCorrelationTable(table, found)
    expect(printed.rows).toHaveLength(found.length)
  })
})

describe('architectures to score', () => {
  const folder = temporaryFolder()

  test('are read from a file, in any form that the space reads, each once', () => {
    const path = join(folder, 'archs.txt')
    writeFileSync(path, `# two\n\n${architectures[0]}\n  ${architectures[1]}\n${architectures[0]}\n`)
    expect(chosenArchitectures(nb201, path)).toEqual(architectures.slice(0, 2))
    writeFileSync(path, `${architectures[0]}\n|none~0|\n`)
    expect(() => chosenArchitectures(nb201, path)).toThrow(`${path}, line 2: `)
  })

  test('are refused where they are too many or too few', () => {
    expect(() => chosenArchitectures(nb201, '15626')).toThrow('nb201 has 15625')
    expect(() => chosenArchitectures(nb201, '1')).toThrow('give at least 2')
    expect(() => chosenArchitectures(nb201, 'nowhere.txt')).toThrow('neither a number')
    expect(chosenArchitectures(nb201, 'all')).toHaveLength(15_625)
  })
})

describe('scores that read labels', () => {
  test('are refused on images without labels, with the names of the scores', async () => {
    const wrong = openScoring({ ...choice, scores: ['params', 'snip', 'zico+fisher'] })
    await expect(wrong).rejects.toThrow('snip, zico, fisher read labels, and --dataset gaussian has none')
  })
})

describe('images that a score cannot be computed on', () => {
  test.each(['naswot', 'jacov', 'ntk-condition', 'params+ntk-condition'])(
    'are refused for %s if there is a single one',
    async (score) => {
      const wrong = openScoring({ ...choice, scores: ['params', score], batchSize: 1 })
      const name = score.split('+').at(-1)
      await expect(wrong).rejects.toThrow(`--batch 1: ${name} compares the images of a batch with each other; give at`)
    },
  )

  test('may be a single one for scores that compare nothing', async () => {
    const scoring = await openScoring({ ...choice, scores: ['synflow', 'mgm-outputs'], batchSize: 1 })
    expect((await scoring.score(architectures[0], 0, scoring.single)).every(Number.isFinite)).toBe(true)
  })

  test('are refused if there are fewer than in a batch, with their number', async () => {
    const wrong = openScoring({ ...choice, dataset: 'shapes', scores: ['params'], batchSize: 1_000_000 })
    await expect(wrong).rejects.toThrow(/^--batch 1000000: shapes has \d+ training images; give at most that$/)
  })
})

describe('a score of a plugin', () => {
  const folder = temporaryFolder()

  test('that throws is named with the network, and is no fault of this program', async () => {
    const path = join(folder, 'throws.mjs')
    const fields = `version: 1, description: '', source: '', better: 'higher', reads: 'weights', layers: 'output'`
    const score = (name: string, thrown: string) =>
      `{ name: '${name}', ${fields}, async compute() { throw ${thrown} } }`
    const scores = [score('throws-error', `new Error('no such layer')`), score('throws-text', `'too deep'`)]
    writeFileSync(path, `export default { name: 'p', scores: [${scores.join()}] }`)
    const scoring = await openScoring({ ...choice, plugins: [path], scores: ['throws-error', 'throws-text'] })
    for (const [i, why] of ['no such layer', 'too deep'].entries()) {
      await expect(scoring.score(architectures[0], 3, [scoring.single[i]])).rejects.toMatchObject({
        code: 'failed',
        message: `the score ${scoring.single[i].name} fails on ${architectures[0]}, seed 3: ${why}; \`bench check plugin FILE\` checks it`,
      })
    }
  })
})

describe('a wrong request', () => {
  const temporary = temporaryFolder()

  test.each<[string, Partial<NamedScoring>, string]>([
    ['space', { space: 'nb202' }, 'unknown space "nb202"'],
    ['score', { scores: ['naswott'] }, 'unknown score "naswott"'],
    ['dataset', { dataset: 'cifr10' }, 'unknown dataset "cifr10"'],
    ['number of architectures', { architectures: '15626' }, 'nb201 has 15625'],
    ['file of architectures', { architectures: 'nowhere.txt' }, 'neither a number'],
    ['table', { table: 'nothing' }, 'unknown table "nothing"'],
  ])('is refused for its %s before the program looks for a GPU', async (_, change, message) => {
    const executor = {
      get backend(): 'auto' {
        throw new Error('looked for a backend')
      },
    }
    const request: NamedScoring = {
      ...{
        ...choice,
        executor,
        name: 'wrong',
        folder: temporary,
        architectures: '2',
        seeds: [0],
        share: true,
        jobs: 1,
      },
      ...{ onProgress: () => {}, stopped: () => false },
      ...change,
    }
    await expect(scoreByName(request)).rejects.toThrow(message)
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkScore } from '../../../src/algorithms/contract/index.ts'
import { builtinScores, isRankScore } from '../../../src/analysis/scores/index.ts'
import { defineScore, type RankScore, type Score } from '../../../src/core/score.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { loadPlugin } from '../../../src/system/plugins.ts'

const executor = openExecutor({ backend: 'wasm' })
const broken = async (score: Score | RankScore) =>
  (await checkScore(score, () => executor)).filter(({ seen }) => seen !== undefined)

/** A score that keeps every rule, changed in one way. */
const faulty = (change: Partial<Score>): Score =>
  defineScore({
    name: 'tried',
    version: 1,
    description: '',
    source: '',
    better: 'higher',
    reads: 'weights',
    layers: 'network',
    compute: async ({ weights }) => weights.reduce((sum, value) => sum + Math.abs(value), 0),
    ...change,
  })

describe('the contract of scores', () => {
  // Linear regions of tiny networks are as many as images, for every seed and network that works.
  const strict = builtinScores.filter(({ name }) => name !== 'linear-regions')

  it.each(strict.map((score) => [score.name, score] as const))('is kept by %s', async (_, score) => {
    expect(await broken(score)).toEqual([])
  })

  it.each<[string, Partial<Score>]>([
    ['it gives finite numbers for networks that work', { compute: async () => Number.NaN }],
    ['it gives finite numbers for networks that work', { compute: async () => undefined as unknown as number }],
    ['the same seed gives the same number', { compute: async () => Math.random() }],
    ['it depends on what its field `reads` says', { compute: async ({ network }) => network.layers.length }],
    ['it depends on what its field `reads` says', { reads: 'architecture' }],
    ['it tells networks apart', { compute: async ({ random }) => random('any').uniform() }],
    [
      'it leaves the weights of the network as they were',
      {
        async compute(input) {
          const executable = await input.open()
          executable.weights.scale(2)
          return input.weights.reduce((sum, value) => sum + value, 0)
        },
      },
    ],
    [
      'it gives a degenerate network a number that is not better',
      { compute: async ({ weights }) => -weights.reduce((sum, value) => sum + Math.abs(value), 0) },
    ],
    [
      'it works on a network with and without convolutions on every edge',
      {
        compute: async () => {
          throw new Error('no')
        },
      },
    ],
  ])('finds what breaks "%s"', async (rule, change) => {
    expect((await broken(faulty(change))).map((result) => result.rule)).toContain(rule)
  })

  it('finds a score of ranks for which worse is more', async () => {
    const rank = builtinScores.find(isRankScore) as RankScore
    expect(await broken({ ...rank, combine: (ranks) => -ranks[0] })).toHaveLength(1)
  })
})

describe('a plugin with a score', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-score-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const load = (fields: string) => {
    const path = join(folder, `${Math.abs(fields.length)}.mjs`)
    writeFileSync(path, `export default { name: 'p', scores: [{ name: 's', version: 1, description: '', ${fields} }] }`)
    return loadPlugin(path)
  }

  it('is refused where the score lacks what it needs', async () => {
    await expect(load(`source: '', better: 'higher'`)).rejects.toThrow('expected reads, layers and compute')
    await expect(load(`source: '', better: 'more', compute() {}`)).rejects.toThrow('scores.0.better')
    const { plugin } = await load(
      `source: '', better: 'higher', reads: 'noise', layers: 'output', compute: async () => 1`,
    )
    expect(plugin.scores?.[0].name).toBe('s')
  })
})

/**
 * The settings under which `bench score` computes training-free scores, and the names of the columns that they become:
 * `naswot:cifar10/C16-N5-32px/batch32/uniform/0`. A column's name has every setting that its numbers depend on.
 */
import { createHash } from 'node:crypto'
import { isRankScore } from '../analysis/scores/index.ts'
import type { RankScore, Score } from '../core/score.ts'
import type { Initialisation } from '../training/initialise.ts'

export interface ScoreSetting {
  readonly space: string
  /** Name and content hash of the plugin that defines the search space; absent for a built-in space. */
  readonly spacePlugin?: string
  readonly dataset: { readonly name: string; readonly contentHash: string; readonly classes: number }
  /** Size of the networks: C, N (or the number of cells), and side of the images in pixels. */
  readonly network: { readonly channels: number; readonly depth: number; readonly imageSize: number }
  readonly batchSize: number
  readonly initialisation: Initialisation
  /** Name of the executor: its arithmetic decides the last bits of the scores. */
  readonly executor: string
}

/** The name of the dataset that stands for standard normal images without labels. */
export const GAUSSIAN = 'gaussian'

/** One column of scores: a score, and the seed of its weights, images and random numbers. */
export interface ScoreColumn {
  readonly score: Score
  readonly seed: number
}

/** Returns the part of a column's name that follows the score's name and a colon. @param seed or `mean` over the seeds */
export function settingText({ reads, initialisation }: Score, setting: ScoreSetting, seed: number | 'mean'): string {
  const { dataset, network, batchSize } = setting
  const size = `C${network.channels}-N${network.depth}-${network.imageSize}px`
  const parts = [dataset.name, size]
  if (reads !== 'architecture' && reads !== 'weights') parts.push(`batch${batchSize}`)
  if (reads !== 'architecture') parts.push(initialisation ?? setting.initialisation, String(seed))
  return parts.join('/')
}

/** Returns the name of the column with the numbers of a score. */
export const columnName = (score: Score, setting: ScoreSetting, seed: number | 'mean'): string =>
  `${score.name}:${settingText(score, setting, seed)}`

/**
 * Returns the name of the column of a score that combines ranks: a sum of ranks is called `rank-sum:synflow+naswot/…`.
 * Its setting is the longest among its parts.
 */
export function rankColumnName(rank: RankScore, parts: readonly Score[], setting: ScoreSetting, seed: number | 'mean') {
  const texts = parts.map((part) => settingText(part, setting, seed))
  const longest = texts.reduce((most, text) => (text.length > most.length ? text : most))
  return rank.name.includes('+') ? `rank-sum:${rank.name}/${longest}` : `${rank.name}:${longest}`
}

/**
 * Returns the identity of a column's numbers: a hash of the column's name, of the version of the score, and of the
 * images, network and arithmetic behind it. Numbers of another identity are not reused.
 */
export function columnIdentity({ score, seed }: ScoreColumn, setting: ScoreSetting, scorePlugin?: string): string {
  const { dataset, space, spacePlugin, executor } = setting
  const images = score.reads === 'images' || score.reads === 'labels' ? dataset.contentHash : dataset.classes
  const parts = [columnName(score, setting, seed), score.version, space, spacePlugin, images, executor, scorePlugin]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

/** Returns the single scores behind the named ones, each once: a score that combines ranks stands for its parts. */
export function singleScores(
  scores: readonly (Score | RankScore)[],
  named: (name: string) => Score | RankScore,
): Score[] {
  const all = scores.flatMap((score) => (isRankScore(score) ? score.parts.map(named) : [score]))
  return [...new Set(all.filter((score): score is Score => !isRankScore(score)))]
}

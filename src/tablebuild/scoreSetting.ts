/**
 * The settings with which `bench score` computes training-free scores, and the column names made from them:
 * `naswot:cifar10/C16-N5-32px/batch32/uniform/0`. A column's name contains every setting that its scores depend on.
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
  /**
   * Size of the networks: `channels` after the stem (C), `depth` (N, or the number of cells), and side of the images in
   * pixels.
   */
  readonly network: { readonly channels: number; readonly depth: number; readonly imageSize: number }
  readonly batchSize: number
  readonly initialisation: Initialisation
  /** Name of the executor, whose arithmetic affects the last bits of the scores. */
  readonly executor: string
}

/** Dataset name that means standard normal noise as images, without labels. */
export const GAUSSIAN = 'gaussian'

/** A column of the table of scores: a score, and the seed of weights, images and random numbers. */
export interface ScoreColumn {
  readonly score: Score
  readonly seed: number
}

/**
 * Returns the part of a column's name after the score's name and a colon. @param seed a seed, or `mean` over the seeds
 */
export function settingText({ reads, initialisation }: Score, setting: ScoreSetting, seed: number | 'mean'): string {
  const { dataset, network, batchSize } = setting
  const size = `C${network.channels}-N${network.depth}-${network.imageSize}px`
  const parts = [dataset.name, size]
  if (reads !== 'architecture' && reads !== 'weights') parts.push(`batch${batchSize}`)
  if (reads !== 'architecture') parts.push(initialisation ?? setting.initialisation, String(seed))
  return parts.join('/')
}

/** Returns the name of the table column for a score with these settings and this seed. */
export const columnName = (score: Score, setting: ScoreSetting, seed: number | 'mean'): string =>
  `${score.name}:${settingText(score, setting, seed)}`

/**
 * Returns the name of the table column for a score that combines ranks; that of a sum is `rank-sum:synflow+naswot/…`.
 * The settings in the name are those of the part with the longest text.
 */
export function rankColumnName(rank: RankScore, parts: readonly Score[], setting: ScoreSetting, seed: number | 'mean') {
  const texts = parts.map((part) => settingText(part, setting, seed))
  const longest = texts.reduce((most, text) => (text.length > most.length ? text : most))
  return rank.name.includes('+') ? `rank-sum:${rank.name}/${longest}` : `${rank.name}:${longest}`
}

/**
 * Returns the identity of a column: a hash of its name, the version of the score, and the images, search space and
 * executor used. Stored scores with another identity are not reused.
 */
export function columnIdentity({ score, seed }: ScoreColumn, setting: ScoreSetting, scorePlugin?: string): string {
  const { dataset, space, spacePlugin, executor } = setting
  const images = score.reads === 'images' || score.reads === 'labels' ? dataset.contentHash : dataset.classes
  const parts = [columnName(score, setting, seed), score.version, space, spacePlugin, images, executor, scorePlugin]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

/**
 * Returns the scores to compute for the named ones, without repetitions: for a score that combines ranks, its parts.
 */
export function singleScores(
  scores: readonly (Score | RankScore)[],
  named: (name: string) => Score | RankScore,
): Score[] {
  const all = scores.flatMap((score) => (isRankScore(score) ? score.parts.map(named) : [score]))
  return [...new Set(all.filter((score): score is Score => !isRankScore(score)))]
}

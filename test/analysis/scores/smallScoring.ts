/** Scoring of small networks on random images, as tests need it; the numbers in pytorch.json are of these. */
import { builtinScores, isRankScore } from '../../../src/analysis/scores/index.ts'
import { type NetworkSize, Scorer } from '../../../src/analysis/scores/input.ts'
import type { Executor } from '../../../src/core/executor.ts'
import type { Network } from '../../../src/core/network.ts'
import { random } from '../../../src/core/random.ts'
import type { Score } from '../../../src/core/score.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'

export const BATCH = 6
export const size: NetworkSize = { channels: 4, depth: 1, shape: { height: 8, width: 8, channels: 3, classes: 10 } }

/** Returns a batch of standard normal images with uniform labels. */
export function batchOf(index: number) {
  const stream = random(7, 'b', index)
  const images = Float32Array.from({ length: BATCH * 8 * 8 * 3 }, () => stream.normal())
  return { images, labels: Int32Array.from({ length: BATCH }, () => stream.integer(10)), size: BATCH }
}

export const scorerOn = (executor: Executor, seed = 3): Scorer =>
  new Scorer({ executor, size, batchSize: BATCH, initialisation: 'uniform', seed, batch: batchOf })

/** Builds the network of a cell of NAS-Bench-201. */
export const cell =
  (arch: string) =>
  (of: NetworkSize): Network =>
    nb201.network(nb201.parse(arch), of)

/** All scores of single networks. */
export const single: readonly Score[] = builtinScores.filter((score): score is Score => !isRankScore(score))

export function named(name: string): Score {
  const found = single.find((score) => score.name === name)
  if (found === undefined) throw new Error(`no score ${name}`)
  return found
}

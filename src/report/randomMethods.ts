/**
 * Tells random search from random sampling. Both are runs of the algorithm `random`: random search answers with the best
 * of many sampled architectures, random sampling (`evaluations=1`) with a single one.
 */
import type { Method } from './methods.ts'

const RANDOM = 'random'

/** Returns whether each run of a method samples one architecture at random, and compares it with no other. */
export const isRandomSampling = ({ algorithm, runs: [run] }: Method): boolean =>
  algorithm === RANDOM && run.manifest.job.algorithm.options.evaluations === 1

/** Returns whether each run of a method answers with the best of several architectures sampled at random. */
export const isRandomSearch = (method: Method): boolean => method.algorithm === RANDOM && !isRandomSampling(method)

import { describe, expect, it, vi } from 'vitest'
import { checkAlgorithm } from '../../../src/algorithms/contract/index.ts'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import type { Algorithm } from '../../../src/core/algorithm.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { builtinSpaces } from '../../../src/spaces/index.ts'
import { full } from '../../support/full.ts'

/** Fewer candidates and controller steps than by default: the promises are the same, and the suite takes seconds. */
const smaller: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  rsps: { candidates: 3, rankingImages: 4 },
  setn: { candidates: 3, rankingImages: 4 },
  enas: { candidates: 3, rankingImages: 4, controllerSteps: 2, samplesPerStep: 2 },
  'zen-darts': { m: 1 },
  'score-search': { networks: 3 },
  'zen-nas': { networks: 4, population: 2 },
  'te-nas': { batch: 2, images: 20 },
  knas: { networks: 4, verify: 2 },
  'p-darts': { layers: '3,3,4' },
  'darts-pt': { tune: 1 },
  // The two weight steps of the suite are fewer than the five between two architecture steps.
  proxylessnas: { every: 1 },
  'r-darts': { validationEpochs: 1, order: 'first' },
}

// In full an algorithm searches six spaces, some of them in many passes.
if (full) vi.setConfig({ testTimeout: 900_000 })

const executor = openExecutor({ backend: 'wasm' })

/** Spaces of the kinds of others here: the operation none is missing in NAS-Bench-201's, too, few operations in S1. */
const ALIKE = ['darts-no-none', 'darts-s2']

/** Algorithms whose papers searched one of these spaces; they are checked there, too. */
const SEARCHED: Readonly<Record<string, string>> = {
  drnas: 'darts-no-none',
  'fair-darts': 'darts-no-none',
  'd-darts': 'darts-no-none',
}

/**
 * Spaces on which an algorithm is checked: one that it works on, NAS-Bench-201's if it can (the network of DARTS takes
 * several times as long), or in `npm run test:full` one of each kind.
 */
const spacesFor = ({ name: algorithm, spaces }: Algorithm) => {
  const possible = Object.values(builtinSpaces).filter((space) => spaces?.includes(space.name) ?? true)
  return full
    ? possible.filter(({ name }) => !ALIKE.includes(name) || SEARCHED[algorithm] === name)
    : possible.slice(0, 1)
}

describe.each(Object.values(builtinAlgorithms as Record<string, Algorithm>))('$name', (algorithm) => {
  it('keeps every rule of the contract suite', async () => {
    const results = await checkAlgorithm(algorithm, {
      executor: () => executor,
      options: smaller[algorithm.name],
      stepsPerEpoch: 1,
      spaces: spacesFor(algorithm),
    })
    expect(results.filter(({ seen }) => seen !== undefined)).toEqual([])
    expect(new Set(results.map(({ space }) => space))).toEqual(new Set(spacesFor(algorithm).map(({ name }) => name)))
  })
})

/** Variants that keep other things between epochs than their algorithm does by default. */
const VARIANTS: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ['gaea', { level: 'single' }, 'nb201'],
  ['gaea', { k: 4, edgeWeights: true }, 'nb201'],
  ['gaea', { k: 4, edgeWeights: true }, 'darts-no-none'],
  ['gaea', { level: 'single', k: 2, edgeWeights: true }, 'nb201-no-none'],
  ['r-darts', { by: 'dropPath', validationEpochs: 1, order: 'first' }, 'darts'],
]

describe.runIf(full).each(VARIANTS)('%s with %o on %s', (name, options, space) => {
  it('keeps every rule of the contract suite', async () => {
    const results = await checkAlgorithm((builtinAlgorithms as Record<string, Algorithm>)[name], {
      executor: () => executor,
      options,
      stepsPerEpoch: 1,
      spaces: Object.values(builtinSpaces).filter((each) => each.name === space),
    })
    expect(results.filter(({ seen }) => seen !== undefined)).toEqual([])
    expect(new Set(results.map((result) => result.space))).toEqual(new Set([space]))
  })
})

describe('drnas --progressive', () => {
  it('keeps every rule of the contract suite through a change of stage', async () => {
    const results = await checkAlgorithm(builtinAlgorithms.drnas as Algorithm, {
      executor: () => executor,
      options: { progressive: true, partialChannels: '4,2', freeze: 0 },
      stepsPerEpoch: 1,
      spaces: spacesFor(builtinAlgorithms.drnas as Algorithm),
    })
    expect(results.filter(({ seen }) => seen !== undefined)).toEqual([])
  })
})

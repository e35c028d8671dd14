import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { builtinAlgorithms } from '../../../src/algorithms/index.ts'
import type { Algorithm } from '../../../src/core/algorithm.ts'
import { describeOptions, resolveOptions } from '../../../src/runner/plan/algorithmOptions.ts'

const parse = (name: keyof typeof builtinAlgorithms, options: object) =>
  (builtinAlgorithms[name] as Algorithm).options.safeParse(options)

const ANY_RULE = 'earlyStop=eigenvalue, earlyStop=skips or earlyStop=ranks'

describe('an option that depends on one that is off', () => {
  it.each([
    ['drnas', { freeze: 5 }, { progressive: 'true' }, 'progressive=true'],
    ['drnas', { kept: '0.4' }, { progressive: true }, 'progressive=true'],
    ['drnas', { lambda: 0.1, anchor: 'none' }, { anchor: 'kl' }, 'anchor=l2 or anchor=kl'],
    ['zen-darts', { beta2: 2, m: '0' }, { m: 1 }, 'm of at least 1'],
    ['darts-v1', { earlyStopEvery: '1' }, { earlyStop: 'eigenvalue' }, 'earlyStop=eigenvalue'],
    ['darts-v2', { earlyStopFrom: 0 }, { earlyStop: 'eigenvalue' }, ANY_RULE],
    ['gdas', { earlyStopFrom: 0 }, { earlyStop: 'skips' }, ANY_RULE],
    ['snas', { earlyStopFrom: 0 }, { earlyStop: 'ranks' }, ANY_RULE],
    ['bohb', { minEpochs: 3 }, { eta: 3 }, 'eta=3'],
    ['bohb', { maxEpochs: 12 }, { eta: 3 }, 'eta=3'],
  ] as const)('is refused: %s, %o without %o', (name, detail, whole, remedy) => {
    const { error } = parse(name, detail)
    expect(error?.issues).toMatchObject([
      { path: Object.keys(detail).slice(0, 1), message: `does nothing here; add ${remedy}, or leave it out` },
    ])
    expect(parse(name, { ...detail, ...whole }).success).toBe(true)
    expect(parse(name, {}).success).toBe(true)
  })
})

describe('a list', () => {
  /** Every list option of a built-in algorithm, by a value of one entry that it accepts. */
  const lists = Object.values(builtinAlgorithms as Record<string, Algorithm>).flatMap((algorithm) =>
    describeOptions(algorithm).flatMap(({ name }) =>
      [2, 0.3].flatMap((entry) => {
        const asList = (algorithm.options as z.ZodObject).safeParse({ [name]: [entry] })
        return asList.success ? [[algorithm.name, name, entry] as const] : []
      }),
    ),
  )
  it('is an option of several algorithms', () => expect(lists.length).toBeGreaterThan(1))
  it.each(lists)('of one entry may be written as this entry, and is the same job: %s, %s=%d', (name, key, entry) => {
    const algorithm = builtinAlgorithms[name as keyof typeof builtinAlgorithms] as Algorithm
    const [single, text, list] = [entry, String(entry), [entry]].map((value) =>
      resolveOptions(algorithm, { [key]: value } as never),
    )
    expect(single).toEqual(list)
    expect(text).toEqual(list)
    expect(single[key]).toEqual([entry])
    for (const wrong of [true, null, {}]) {
      expect(algorithm.options.safeParse({ [key]: wrong }).success).toBe(false)
    }
  })
})

describe('a number', () => {
  it.each([
    ['drnas', { lambda: '' }],
    ['drnas', { lambda: true }],
    ['darts-v2', { distance: ' ' }],
    ['bohb', { randomFraction: '' }],
    ['drnas', { freeze: '', progressive: true }],
    ['drnas', { partialChannels: '4,', progressive: true }],
    ['pc-darts', { k: true }],
    ['pc-darts', { warmup: '' }],
  ] as const)('is refused where there is none: %s, %o', (name, options) => {
    expect(parse(name, options).success).toBe(false)
  })

  it.each([
    ['drnas', { kept: 1.5, progressive: true }],
    ['bohb', { randomFraction: 2 }],
    ['enas', { baselineDecay: '1' }],
    ['reinforce', { baselineDecay: -0.1 }],
  ] as const)('is refused where it is a share and no such: %s, %o', (name, options) => {
    expect(parse(name, options).success).toBe(false)
  })

  it.each([
    ['snas', 'tauMax', 1e-3, 0.9e-3],
    ['snas', 'tauMin', 1e-3, 0.9e-3],
    ['gdas', 'tauMax', 1e-3, 0.9e-3],
    ['gdas', 'tauMin', 1e-3, 0.9e-3],
    ['bohb', 'eta', 1.01, 1],
    ['bohb', 'minBandwidth', 0, -0.1],
    ['bohb', 'candidates', 1, 0],
    ['drnas', 'lambda', 0, -0.1],
    ['pc-darts', 'warmup', 0, -1],
    ['enas', 'learningRate', 0, -0.1],
    ['reinforce', 'learningRate', 0, -0.1],
    ['darts-v1', 'earlyStopEvery', 1, 0],
    ['zen-darts', 'n', 1, 0],
  ] as const)('may be as small as its meaning allows and no smaller: %s, %s from %d', (name, option, least, less) => {
    const others = option === 'earlyStopEvery' ? { earlyStop: 'eigenvalue' } : {}
    expect(parse(name, { ...others, [option]: least }).success).toBe(true)
    expect(parse(name, { ...others, [option]: less }).success).toBe(false)
  })

  it('may be text', () => {
    expect(parse('drnas', { lambda: '1e-2' }).data).toMatchObject({ lambda: 0.01 })
    expect(parse('pc-darts', { k: ' 2 ', warmup: '0' }).data).toEqual({ k: 2, warmup: 0 })
    expect(parse('drnas', { partialChannels: '6,3' }).data).toMatchObject({ partialChannels: [6, 3] })
  })
})

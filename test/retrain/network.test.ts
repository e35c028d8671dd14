import { describe, expect, test } from 'vitest'
import { parameterCount } from '../../src/core/network.ts'
import { resolveSettings } from '../../src/retrain/settings.ts'
import { networkSize, trainedNetwork } from '../../src/retrain/training.ts'
import { dartsFamily, parseCells } from '../../src/spaces/darts/index.ts'
import { readGolden } from '../fixtures/golden.ts'

const DATASETS = {
  cifar10_C36_L20: { dataset: 'cifar10', classes: 10, side: 32 },
  cifar100_C36_L20: { dataset: 'cifar100', classes: 100, side: 32 },
  imagenet_C48_L14: { dataset: 'imagenet', classes: 1000, side: 224 },
} as const

interface Published {
  readonly name: string
  readonly normal: unknown
  readonly reduce: unknown
}
type Counts = Record<keyof typeof DATASETS, Record<'params' | 'macs' | 'params_with_auxiliary', number>>

const golden = readGolden<{ darts_genotypes: (Published & Counts)[] }>('networks')

describe.each(golden.darts_genotypes)('$name at the size of the papers', (published) => {
  const genotype = parseCells(JSON.stringify({ normal: published.normal, reduce: published.reduce }))
  const architecture = { family: dartsFamily, genotype }

  test.each(Object.entries(DATASETS))('%s: parameters and multiply-accumulates to the unit', (key, images) => {
    const { dataset, classes, side } = images
    const expected = published[key as keyof typeof DATASETS]
    const shape = { height: side, width: side, channels: 3, classes }
    const settings = resolveSettings({ preset: 'drnas-paper' }, dataset)
    expect(networkSize(architecture, settings, shape)).toEqual({ parameters: expected.params, macs: expected.macs })
    expect(parameterCount(trainedNetwork(architecture, settings, shape))).toBe(expected.params_with_auxiliary)
  })
})

test('DARTS_V2 is of the 3.3 M class', () => {
  const shape = { height: 32, width: 32, channels: 3, classes: 10 }
  const { parameters } = networkSize(
    { family: dartsFamily, genotype: parseCells('DARTS_V2') },
    resolveSettings({}, 'cifar10'),
    shape,
  )
  expect(parameters).toBe(3_349_342)
})

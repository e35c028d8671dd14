import { describe, expect, test } from 'vitest'
import { listSources } from '../../src/protocols/preset.ts'
import { retrainingPresets } from '../../src/retrain/presets.ts'
import { parseEvaluate, resolveSettings } from '../../src/retrain/settings.ts'

describe.each(retrainingPresets)('$name', (preset) => {
  test.each(['cifar', 'imagenet'] as const)('says where each value for %s was read', (family) => {
    const sources = listSources(preset[family])
    expect(sources.length).toBeGreaterThan(20)
    for (const { path, source } of sources) expect(source.length, path).toBeGreaterThan(10)
  })
})

describe('the papers’ settings', () => {
  const cifar = { preset: 'darts-paper', dropPath: 0.2, epochs: 600, batchSize: 96, labelSmoothing: 0 }
  test.each([
    ['darts-paper', { ...cifar, network: { auxiliary: true, pooledBatchNorm: false } }],
    ['pcdarts-paper', { ...cifar, preset: 'pcdarts-paper', dropPath: 0.3 }],
    ['drnas-paper', { preset: 'drnas-paper', batchSize: 64, dropPath: 0.3, network: { pooledBatchNorm: true } }],
  ])('%s on CIFAR', (preset, expected) => {
    expect(resolveSettings({ preset }, 'cifar10')).toMatchObject({
      ...expected,
      network: { channels: 36, layers: 20, family: 'cifar', ...('network' in expected ? expected.network : {}) },
      learningRate: { initial: 0.025, schedule: 'cosine', warmUp: { epochs: 0 } },
      weights: { momentum: 0.9, nesterov: false, weightDecay: 3e-4, clipNorm: 5 },
      data: { cropPadding: 4, flip: true, cutout: 16, imageSize: null, limit: null },
    })
  })

  test.each([
    ['darts-paper', 128, { initial: 0.1, schedule: 'exponential', decay: 0.97, warmUp: { epochs: 0 } }],
    ['pcdarts-paper', 1024, { initial: 0.5, schedule: 'linear', warmUp: { epochs: 5, of: 'scheduled' } }],
    ['drnas-paper', 768, { initial: 0.5, schedule: 'linear', warmUp: { epochs: 5, of: 'initial' } }],
  ])('%s on ImageNet', (preset, batchSize, learningRate) => {
    expect(resolveSettings({ preset }, 'imagenet')).toMatchObject({
      epochs: 250,
      batchSize,
      learningRate,
      network: { channels: 48, layers: 14, family: 'imagenet', auxiliary: true },
      weights: { weightDecay: 3e-5, clipNorm: 5 },
      labelSmoothing: 0.1,
      dropPath: 0,
      data: { imageSize: 224 },
    })
  })
})

describe('what is asked for', () => {
  test('takes the place of the preset’s value, and of that alone', () => {
    const preset = resolveSettings({}, 'cifar10')
    expect(resolveSettings({ epochs: 2, channels: 8, layers: 5, limit: 2000, auxiliary: false }, 'cifar10')).toEqual({
      ...preset,
      epochs: 2,
      network: { ...preset.network, channels: 8, layers: 5, auxiliary: false },
      data: { ...preset.data, limit: 2000 },
    })
  })

  test('reads from one word', () => {
    expect(parseEvaluate('retrain')).toEqual({})
    expect(parseEvaluate('retrain:preset=trial,epochs=2,auxiliary=false')).toEqual({
      ...{ preset: 'trial', epochs: 2, auxiliary: false },
    })
  })

  test.each([
    [
      () => resolveSettings({ preset: 'darts-papr' }, 'cifar10'),
      'unknown preset "darts-papr"; did you mean "darts-paper"?',
    ],
    [() => resolveSettings({ layers: 2 }, 'cifar10'), 'a network of 2 cells has no normal cell; give at least 3'],
    [() => parseEvaluate('retrian'), 'unknown evaluation "retrian"; did you mean "retrain"?'],
    [() => parseEvaluate('retrain:epoch=2'), 'unknown setting of --evaluate retrain "epoch"; did you mean "epochs"?'],
    [() => parseEvaluate('retrain:epochs=no'), '--evaluate retrain:epochs=no: epochs: '],
  ])('is refused where it is wrong: %#', (ask, message) => {
    expect(ask).toThrow(message)
  })
})

import { describe, expect, test } from 'vitest'
import type { EvaluationSize, SpaceFamily } from '../../src/core/space.ts'
import { listSources } from '../../src/protocols/preset.ts'
import { retrainingPresets } from '../../src/retrain/presets.ts'
import { parseEvaluate, resolveSettings } from '../../src/retrain/settings.ts'
import { trainedNetwork } from '../../src/retrain/training.ts'
import { dartsFamily } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'

describe.each(retrainingPresets)('$name', (preset) => {
  test.each(['cifar', 'imagenet'] as const)('says where each value for %s was read', (family) => {
    const sources = [preset[family] ?? {}, preset.byFamily ?? {}, preset.byDataset ?? {}].flatMap((part) =>
      listSources(part),
    )
    expect(sources.length > 20 || preset[family] === undefined).toBe(true)
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

describe('the settings for cells of NAS-Bench-201', () => {
  const family = nb201.family as SpaceFamily
  test('are the benchmark’s own by default', () => {
    expect(resolveSettings({}, 'cifar10', family)).toEqual({
      ...{ preset: 'nb201-paper', epochs: 200, batchSize: 256, labelSmoothing: 0, dropPath: 0 },
      network: { channels: 16, layers: 5, family: 'cifar', auxiliary: false, pooledBatchNorm: false },
      learningRate: {
        ...{ initial: 0.1, schedule: 'cosine', decay: 1 },
        warmUp: { epochs: 0, aboveBatchSize: 0, of: 'scheduled' },
      },
      weights: { momentum: 0.9, nesterov: true, weightDecay: 5e-4, clipNorm: null },
      data: { cropPadding: 4, flip: true, cutout: 0, imageSize: null, limit: null, brokenImages: 'fail' },
    })
  })

  test('crop ImageNet16-120 and no other dataset by two pixels', () => {
    const crops = ['ImageNet16-120', 'cifar100', 'pictures'].map(
      (dataset) => resolveSettings({}, dataset, family).data.cropPadding,
    )
    expect(crops).toEqual([2, 4, 4])
  })

  test('may have one cell per stage, and the trial has', () => {
    expect(resolveSettings({ layers: 1 }, 'cifar10', family).network.layers).toBe(1)
    expect(resolveSettings({ preset: 'trial' }, 'cifar10', family).network.layers).toBe(1)
    expect(resolveSettings({ preset: 'trial' }, 'cifar10', dartsFamily).network.layers).toBe(5)
  })

  test.each([
    [{ preset: 'drnas-paper' }, 'preset drnas-paper is not for networks of nb201; take nb201-paper or trial'],
    [{ auxiliary: true }, 'networks of nb201 have no auxiliary head; leave auxiliary out'],
    [{ family: 'imagenet' as const }, 'networks of nb201 are for small images, not for ImageNet’s; name the folder'],
  ])('refuse what its networks lack: %j', (request, message) => {
    expect(() => resolveSettings(request, 'cifar10', family)).toThrow(message)
  })

  test('are not for the networks of DARTS', () => {
    expect(() => resolveSettings({ preset: 'nb201-paper' }, 'cifar10', dartsFamily)).toThrow(
      'preset nb201-paper is not for networks of darts; take darts-paper or pcdarts-paper or drnas-paper',
    )
  })

  test('make the network of the benchmark', () => {
    const genotype = nb201.parse('|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|none~2|')
    const { cifar10 } = nb201.evaluations as Record<string, EvaluationSize>
    const built = trainedNetwork({ family, genotype }, resolveSettings({}, 'cifar10', family), cifar10.shape)
    expect(built).toEqual(nb201.network(genotype, cifar10))
  })
})

describe('the head of a network', () => {
  const shape = { height: 16, width: 16, channels: 3, classes: 4 }
  const parametersOf = (family: SpaceFamily, head: string) => {
    const genotype = family.parse(
      family.name === 'darts' ? 'DARTS_V2' : nb201.format(nb201.encoding.decode([3, 1, 2, 0, 4, 1])),
    )
    const settings = resolveSettings({ preset: 'trial', head }, 'own', family)
    return trainedNetwork({ family, genotype }, settings, shape).parameters.filter(({ name }) =>
      /classifier/.test(name),
    )
  }

  test.each([dartsFamily, nb201.family] as SpaceFamily[])(
    'has the hidden layers that are asked for: $name',
    (family) => {
      const [features] = parametersOf(family, 'linear')[0]?.shape ?? []
      expect(parametersOf(family, 'linear').map(({ name, shape }) => [name, shape])).toEqual([
        ['classifier.weight', [features, 4]],
        ['classifier.bias', [4]],
      ])
      expect(
        parametersOf(family, 'mlp:512, 256+128').flatMap(({ name, shape }) =>
          /bias/.test(name) ? [] : [[name, shape]],
        ),
      ).toEqual([
        ['classifier.fc1.weight', [features, 512]],
        ['classifier.fc2.weight', [512, 256]],
        ['classifier.fc3.weight', [256, 128]],
        ['classifier.fc4.weight', [128, 4]],
      ])
    },
  )

  test('is of four layers in zen-paper on the user’s own images, and DARTS’ on CIFAR', () => {
    const zen = (dataset: string, request = {}) =>
      resolveSettings({ preset: 'zen-paper', ...request }, dataset, dartsFamily)
    expect(zen('faces')).toMatchObject({ metric: 'mAP', network: { head: 'mlp:512,256,128' } })
    const darts = resolveSettings({ preset: 'darts-paper' }, 'cifar10', dartsFamily)
    expect(zen('cifar10')).toEqual({ ...darts, preset: 'zen-paper' })
    expect(zen('faces', { head: 'linear', metric: 'top1' })).toEqual({ ...darts, preset: 'zen-paper' })
  })

  test.each(['mlp', 'mlp:', 'mlp:0', 'mlp:12,,3', 'mlp:1.5', 'mlp:99999', 'mpl:512', 'mlp:1,1,1,1,1,1,1,1,1', ''])(
    '"%s" is refused in one line',
    (head) => {
      expect(() => resolveSettings({ head }, 'own', dartsFamily)).toThrow(
        /^head ".*": expected linear, or mlp: and the channels of 1 to 8 hidden layers, each 1 to 65536, as in mlp:512,256,128$/,
      )
    },
  )

  test('is linear in a space whose networks have no other', () => {
    const family = { name: 'tiny' }
    expect(() => resolveSettings({ head: 'mlp:8' }, 'own', family)).toThrow(
      'the head of networks of tiny has no hidden layers; leave out head mlp:8',
    )
    expect(resolveSettings({ head: 'linear' }, 'own', family).network).not.toHaveProperty('head')
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
    expect(parseEvaluate('retrain:head=mlp:512,256,128,sampling=balanced,metric=mAP')).toEqual({
      ...{ head: 'mlp:512,256,128', sampling: 'balanced', metric: 'mAP' },
    })
  })

  test.each([
    [
      () => resolveSettings({ preset: 'darts-papr' }, 'cifar10'),
      'unknown preset "darts-papr"; did you mean "darts-paper"?',
    ],
    [
      () => resolveSettings({ layers: 2 }, 'cifar10', dartsFamily),
      'a network of 2 cells has no normal cell; give at least 3',
    ],
    [() => parseEvaluate('retrian'), 'unknown evaluation "retrian"; did you mean "retrain"?'],
    [() => parseEvaluate('retrain:epoch=2'), 'unknown setting of --evaluate retrain "epoch"; did you mean "epochs"?'],
    [() => parseEvaluate('retrain:epochs=no'), '--evaluate retrain:epochs=no: epochs: '],
  ])('is refused where it is wrong: %#', (ask, message) => {
    expect(ask).toThrow(message)
  })
})

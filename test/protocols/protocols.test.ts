import { describe, expect, test } from 'vitest'
import { sgdOf } from '../../src/algorithms/shared/bilevel.ts'
import { presets, requireSettingsFor, resolveProtocol } from '../../src/protocols/index.ts'
import { listSources, type Preset } from '../../src/protocols/preset.ts'

const nb201 = (algorithm: string) => ({ space: 'nb201', dataset: 'cifar10', algorithm })

describe.each(presets.map((preset): [string, Preset] => [preset.name, preset]))('%s', (name, preset) => {
  test('states the source of each value', () => {
    const parts = [preset.bySpace, preset.byDataset, preset.byAlgorithm].flatMap((part) => Object.values(part ?? {}))
    for (const { path, source } of [preset.values, ...parts].flatMap((tree) => listSources(tree))) {
      expect(source.length, path).toBeGreaterThan(10)
    }
  })

  test('is accepted in the spaces for which it states settings', () => {
    for (const space of Object.keys(preset.bySpace ?? {})) expect(() => requireSettingsFor(name, space)).not.toThrow()
  })

  test('resolves to plain values for every space', () => {
    for (const space of ['nb201', 'darts', 'darts-s1']) {
      const protocol = resolveProtocol(name, { space, dataset: 'cifar10', algorithm: 'drnas' })
      expect(JSON.stringify(protocol)).not.toContain('source')
      expect(protocol.epochs).toBeGreaterThan(0)
      expect(protocol.headline.cifar10[0]).toEqual({
        dataset: 'cifar10',
        validation: 'cifar10-valid/x-valid/200/mean',
        test: 'cifar10/ori-test/200/mean',
      })
    }
  })
})

describe('laptop', () => {
  test('is drnas-paper with halves drawn by the seed and a reduced size, and is marked as reduced', () => {
    const laptop = resolveProtocol('laptop', nb201('drnas'))
    const paper = resolveProtocol('drnas-paper', nb201('drnas'))
    expect(laptop).toEqual({
      ...paper,
      name: 'laptop',
      epochs: 50,
      network: { ...paper.network, channels: 4, depth: 1 },
      data: { ...paper.data, split: undefined, imageSize: 16, cropPadding: 2 },
      headline: laptop.headline,
    })
    expect(presets.filter(({ reduced }) => reduced).map(({ name }) => name)).toEqual(['micro', 'laptop'])
  })
})

describe('the papers’ settings', () => {
  test('DrNAS on NAS-Bench-201: train_search.py of its repository', () => {
    const { epochs, weights, architecture, network, stepOrder } = resolveProtocol('drnas-paper', nb201('drnas'))
    expect({ epochs, stepOrder }).toEqual({ epochs: 100, stepOrder: 'architecture-first' })
    expect(weights).toEqual({
      learningRate: 0.025,
      learningRateMin: 0.001,
      momentum: 0.9,
      nesterov: false,
      weightDecay: 3e-4,
      clipNorm: 5,
    })
    expect(architecture).toEqual({ learningRate: 3e-4, adamBetas: [0.5, 0.999], epsilon: 1e-8, weightDecay: 1e-3 })
    expect(network).toEqual({ channels: 16, depth: 5, affine: false, track: true })
  })

  test('the DARTS space and its subspaces have their own settings', () => {
    const drnas = resolveProtocol('drnas-paper', { space: 'darts', dataset: 'cifar10', algorithm: 'drnas' })
    expect([drnas.epochs, drnas.weights.learningRate, drnas.network.channels]).toEqual([50, 0.1, 36])
    const s1 = resolveProtocol('darts-paper', { space: 'darts-s1', dataset: 'cifar10', algorithm: 'darts-v1' })
    expect(s1.network).toMatchObject({ channels: 16, depth: 8 })
  })

  test('algorithms have different settings within NAS-Bench-201’s protocol', () => {
    expect(resolveProtocol('nb201-paper', nb201('darts-v1')).epochs).toBe(50)
    expect(resolveProtocol('nb201-paper', nb201('gdas')).epochs).toBe(250)
    expect(resolveProtocol('nb201-paper', nb201('enas'))).toMatchObject({ batchSize: 128, stepOrder: 'weights-first' })
    expect(resolveProtocol('nb201-paper', nb201('darts-v1')).stepOrder).toBe('weights-first')
    expect(resolveProtocol('nb201-paper', nb201('darts-v2')).stepOrder).toBe('architecture-first')
    const clips = ['rsps', 'gdas', 'setn'].map((name) => resolveProtocol('nb201-paper', nb201(name)).weights.clipNorm)
    expect(clips).toEqual([5, 5, null])
  })

  test('ENAS’ learning rate there is a wave of 20 epochs, as AutoDL-Projects’ cosine with T_max 10 gives it', () => {
    const enas = resolveProtocol('nb201-paper', nb201('enas'))
    const rates = [0, 5, 10, 20, 249].map((epoch) => sgdOf(enas, epoch).learningRate)
    const at249 = 0.0005 + 0.0495 * (1 + Math.cos(24.9 * Math.PI)) * 0.5
    expect(rates).toEqual([0.05, 0.02525, 0.0005, 0.05, at249].map((rate) => expect.closeTo(rate, 12)))
    expect(sgdOf(enas, 0)).toEqual({
      learningRate: 0.05,
      momentum: 0.9,
      nesterov: true,
      weightDecay: 2.5e-4,
      clipNorm: 5,
    })
  })

  test.each(presets.map(({ name }) => name))('%s crops the 16 pixels of ImageNet16-120 from a border of 2', (name) => {
    const small = resolveProtocol(name, { space: 'nb201', dataset: 'ImageNet16-120', algorithm: 'drnas' })
    expect(small.data.cropPadding).toBe(2)
  })

  test('GAEA runs half of a cosine of 50 epochs on NAS-Bench-201, and all of it on the DARTS space', () => {
    const rates = ['nb201-no-none', 'darts'].map((space) => {
      const protocol = resolveProtocol('gaea-paper', { space, dataset: 'cifar10', algorithm: 'gaea' })
      return [protocol.epochs, sgdOf(protocol, 0).learningRate, sgdOf(protocol, protocol.epochs).learningRate]
    })
    expect(rates).toEqual([
      [25, 0.025, expect.closeTo(0.013, 12)],
      [50, 0.1, expect.closeTo(0, 12)],
    ])
  })

  test('NATS-Bench does not clip, and reports only the dataset searched on', () => {
    const nats = resolveProtocol('nats-paper', nb201('gdas'))
    expect(nats.weights.clipNorm).toBeNull()
    expect(nats.headline.cifar10).toHaveLength(1)
    expect(resolveProtocol('drnas-paper', nb201('drnas')).headline.cifar10).toHaveLength(1)
    expect(resolveProtocol('nb201-paper', nb201('gdas')).headline.cifar10).toHaveLength(3)
    expect(resolveProtocol('nb201-paper:headline=own', nb201('gdas')).headline.cifar10).toHaveLength(1)
  })
})

test('β-DARTS, SDARTS and DARTS-PT search NAS-Bench-201 as DrNAS does, and the DARTS space as DARTS', () => {
  for (const name of ['betadarts-paper', 'sdarts-paper', 'dartspt-paper']) {
    for (const [space, model] of [
      ['nb201', 'drnas-paper'],
      ['darts', 'darts-paper'],
    ]) {
      const job = { space, dataset: 'cifar10', algorithm: 'darts-v1' }
      const [own, other] = [resolveProtocol(name, job), resolveProtocol(model, job)]
      expect({ ...own, name: '', headline: {} }, name).toEqual({ ...other, name: '', headline: {} })
    }
  }
})

test('Λ-DARTS changes the epochs and rates of NAS-Bench-201’s DARTS, and searches the DARTS space as DARTS', () => {
  const [own, benchmark] = ['lambdadarts-paper', 'nb201-paper'].map((name) =>
    resolveProtocol(name, nb201('lambda-darts')),
  )
  const weights = { ...benchmark.weights, nesterov: false, weightDecay: 3e-4 }
  const architecture = { ...benchmark.architecture, learningRate: 1e-4 }
  expect(own).toEqual({ ...benchmark, name: 'lambdadarts-paper', epochs: 100, weights, architecture })
  for (const space of ['darts', 'darts-no-none', 'darts-s3']) {
    const [there, darts] = ['lambdadarts-paper', 'darts-paper'].map((name) =>
      resolveProtocol(name, { space, dataset: 'cifar10', algorithm: 'lambda-darts' }),
    )
    expect({ ...there, data: {} }, space).toEqual({ ...darts, name: 'lambdadarts-paper', data: {} })
  }
})

test('Fair-DARTS has larger batches, and rates of its own', () => {
  const { batchSize, epochs, weights, architecture } = resolveProtocol('fairdarts-paper', nb201('fair-darts'))
  expect({ batchSize, epochs }).toEqual({ batchSize: 128, epochs: 50 })
  expect([weights.learningRate, weights.learningRateMin]).toEqual([0.005, 0.001])
  expect(architecture).toEqual({ learningRate: 3e-3, adamBetas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 1e-3 })
})

test('D-DARTS has the settings of Fair-DARTS in a wider network, with smaller batches', () => {
  const [own, fair] = ['ddarts-paper', 'fairdarts-paper'].map((name) =>
    resolveProtocol(name, { space: 'darts-no-none', dataset: 'cifar10', algorithm: 'd-darts' }),
  )
  const network = { ...fair.network, channels: 32 }
  expect({ ...own, headline: {} }).toEqual({ ...fair, name: 'ddarts-paper', batchSize: 72, network, headline: {} })
})

test('RobustDARTS is DARTS with edges dropped and squares cut out, both growing', () => {
  const job = { space: 'darts-s4', dataset: 'cifar10', algorithm: 'darts-v1' }
  const [robust, darts] = [resolveProtocol('robustdarts-paper', job), resolveProtocol('darts-paper', job)]
  expect(robust.network).toEqual({ ...darts.network, dropPath: 0.2 })
  expect(robust.data).toEqual({ ...darts.data, cutout: 16, cutoutGrows: true })
  expect({ ...robust, name: '', network: {}, data: {} }).toEqual({ ...darts, name: '', network: {}, data: {} })
  expect(resolveProtocol('robustdarts-paper', nb201('darts-v1')).network).toMatchObject({ channels: 16, depth: 5 })
})

describe('changes in place', () => {
  test('are applied, and become part of the name', () => {
    const text = 'micro:epochs=5,data.limit=null,weights.nesterov=true,stepOrder=weights-first'
    const changed = resolveProtocol(text, nb201('drnas'))
    expect(changed).toMatchObject({ name: text, epochs: 5, stepOrder: 'weights-first' })
    expect([changed.data.limit, changed.weights.nesterov]).toEqual([null, true])
  })

  test('can add settings that a preset does not state', () => {
    const text =
      'darts-paper:network.dropPath=0.2,data.architecturePortion=0.1,architecture.clipNorm=5,data.brokenImages=skip'
    const { network, data, architecture } = resolveProtocol(text, nb201('darts-v1'))
    expect([network.dropPath, data.architecturePortion, architecture.clipNorm]).toEqual([0.2, 0.1, 5])
    expect(data.brokenImages).toBe('skip')
    expect(Object.keys(resolveProtocol('darts-paper', nb201('darts-v1')).network)).not.toContain('dropPath')
  })

  test.each([
    ['micro:network.family=cifra', 'network.family is cifar or imagenet, not "cifra"'],
    ['micro:data.brokenImages=1', 'data.brokenImages is fail or skip, not "1"'],
    ['mikro', 'unknown protocol "mikro"; did you mean "micro"?'],
    ['nb201-paper:headline=owm', 'unknown headline "owm"; did you mean "own"?'],
    ['micro:epoch=5', 'unknown protocol setting "epoch"; did you mean "epochs"?'],
    ['micro:data.limits=5', 'unknown protocol setting "data.limits"; did you mean "data.limit"?'],
    ['micro:epochs', 'protocol change "epochs" is not setting=value, as in micro:epochs=5'],
    ['micro:epochs=many', 'protocol setting "epochs" is a whole number of at least 1, not "many"'],
    ['micro:epochs=null', 'protocol setting "epochs" is a whole number of at least 1, not "null"'],
    ['micro:data.flip=yes', 'protocol setting "data.flip" is true or false, not "yes"'],
    ['micro:stepOrder=both', 'stepOrder is architecture-first or weights-first, not "both"'],
    ['micro:network=4', 'protocol setting "network" is not a single value'],
    ['micro:network.channels.x=4', 'protocol setting "network.channels.x" is not a single value'],
  ])('%s is refused', (text, message) => {
    expect(() => resolveProtocol(text, nb201('drnas'))).toThrow(message)
  })
})

test('w and α are trained on the images of the authors’ code, wherever that code splits the set', () => {
  const splitOn = (preset: string, dataset: string) =>
    resolveProtocol(preset, { space: 'nb201', dataset, algorithm: 'drnas' }).data.split ?? 'seeded'
  const datasets = ['cifar10', 'cifar100', 'ImageNet16-120', 'shapes', 'photos']
  const found = Object.fromEntries(presets.map(({ name }) => [name, datasets.map((dataset) => splitOn(name, dataset))]))
  expect(found).toEqual({
    micro: ['seeded', 'seeded', 'seeded', 'seeded', 'seeded'],
    laptop: ['seeded', 'seeded', 'seeded', 'seeded', 'seeded'],
    'darts-paper': ['fixed', 'seeded', 'seeded', 'seeded', 'seeded'],
    'zen-paper': ['fixed', 'seeded', 'seeded', 'seeded', 'seeded'],
    'robustdarts-paper': ['fixed', 'fixed', 'seeded', 'seeded', 'seeded'],
    'pcdarts-paper': ['fixed', 'fixed', 'seeded', 'seeded', 'seeded'],
    'drnas-paper': ['fixed', 'fixed', 'fixed', 'seeded', 'seeded'],
    'betadarts-paper': ['fixed', 'fixed', 'seeded', 'seeded', 'seeded'],
    'sdarts-paper': ['fixed', 'fixed', 'seeded', 'seeded', 'seeded'],
    'fairdarts-paper': ['fixed', 'seeded', 'seeded', 'seeded', 'seeded'],
    'ddarts-paper': ['fixed', 'fixed', 'seeded', 'seeded', 'seeded'],
    'dartspt-paper': ['fixed', 'fixed', 'fixed', 'seeded', 'seeded'],
    'idarts-paper': ['benchmark', 'benchmark', 'benchmark', 'seeded', 'seeded'],
    'lambdadarts-paper': ['benchmark', 'benchmark', 'benchmark', 'seeded', 'seeded'],
    'nb201-paper': ['benchmark', 'benchmark', 'benchmark', 'seeded', 'seeded'],
    'nats-paper': ['benchmark', 'benchmark', 'benchmark', 'seeded', 'seeded'],
    'dropnas-paper': ['seeded', 'seeded', 'seeded', 'seeded', 'seeded'],
    'proxylessnas-paper': ['seeded', 'seeded', 'seeded', 'seeded', 'seeded'],
    'pdarts-paper': ['fixed', 'fixed', 'seeded', 'seeded', 'seeded'],
    'gaea-paper': ['benchmark', 'benchmark', 'benchmark', 'seeded', 'seeded'],
  })
})

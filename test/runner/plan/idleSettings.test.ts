import { describe, expect, it } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { presets } from '../../../src/protocols/index.ts'
import { listSources } from '../../../src/protocols/preset.ts'
import { DEFAULTS, type Experiment } from '../../../src/runner/plan/experiment.ts'
import { refuseIdleSettings } from '../../../src/runner/plan/idleSettings.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'

const registered = await registerPlugins(builtins, [])

/** Plans the algorithms, each given as `name option=value …`, and refuses settings without effect. */
async function check(algorithms: readonly string[], changed: Partial<Experiment>) {
  const requests = algorithms.map((line) => {
    const [name, ...options] = line.split(' ')
    return { name, options: Object.fromEntries(options.map((option) => option.split('=', 2))) }
  })
  refuseIdleSettings(await makePlan({ ...DEFAULTS, ...changed, algorithms: requests }, registered))
}

describe('a setting without effect is refused', () => {
  it.each([
    ['enas', 'architecture.learningRate=0.1', 'enas (the controller has options of its own)'],
    ['enas', 'stepOrder=weights-first', 'enas (the controller learns after the weights, once an epoch)'],
    ['rsps', 'architecture.clipNorm=1', 'rsps (there are no architecture parameters)'],
    ['drnas', 'architecture.weightDecay=0', 'drnas (the anchor has lambda in its place)'],
    ['dsnas', 'stepOrder=weights-first', 'dsnas (both gradients are taken at the same weights)'],
    ['multi-darts', 'stepOrder=weights-first', 'multi-darts (the weight steps come first)'],
    ['zen-darts', 'network.track=false', 'zen-darts (the BN term reads the variances that batch norms keep)'],
    ['random', 'epochs=5', 'random (no search network is trained)'],
    ['score-search', 'epochs=5', 'score-search (no search network is trained)'],
    ['te-nas', 'network.channels=8', 'te-nas (no search network is trained)'],
    ['drnas', 'data.brokenImages=skip', 'drnas (its images are decoded beforehand)'],
    ['drnas', 'data.cutoutGrows=true', 'drnas (data.cutout is 0)'],
  ])('%s: %s', async (algorithm, change, whom) => {
    const [setting] = change.split('=')
    await expect(check([algorithm], { protocol: `micro:${change}` })).rejects.toThrow(
      `protocol setting ${setting} does nothing for ${whom}; leave it out`,
    )
  })

  const TAKEN = 'by=l2 has four values in its place, and validationEpochs=0 trains nothing else'
  const WHOLE = 'both steps take all training images'
  it.each([
    ['darts-pt alpha=fixed', 'architecture.learningRate=0.1', 'alpha=fixed takes no architecture step', 'darts-pt'],
    ['darts-pt alpha=fixed', 'architecture.weightDecay=0.1', 'alpha=fixed takes no architecture step', 'darts-pt'],
    ['r-darts validationEpochs=0', 'weights.weightDecay=0.1', TAKEN, 'r-darts validationEpochs=1'],
    ['r-darts validationEpochs=0', 'weights.weightDecay=0.1', TAKEN, 'r-darts by=dropPath validationEpochs=0'],
    [
      'r-darts by=dropPath validationEpochs=0',
      'network.dropPath=0.1',
      TAKEN.replace('l2', 'dropPath'),
      'r-darts by=dropPath validationEpochs=1',
    ],
    [
      'r-darts by=dropPath validationEpochs=0',
      'network.dropPath=0.1',
      TAKEN.replace('l2', 'dropPath'),
      'r-darts validationEpochs=0',
    ],
    ['gaea level=single', 'data.trainPortion=0.4', WHOLE, 'gaea'],
    ['gaea level=single', 'data.trainPortion=0.4', WHOLE, 'gaea level=single select=perturbation'],
    ['dropnas', 'data.trainPortion=0.4', WHOLE, 'dropnas earlyStop=eigenvalue'],
    ['p-darts layers=3,3,3', 'network.depth=4', 'layers has the cells of every stage', 'p-darts'],
    ['zen-darts m=25', 'data.flip=false', 'no epoch sees labelled images', 'zen-darts m=24'],
    ['zen-darts m=25', 'data.cutout=4', 'no epoch sees labelled images', 'zen-darts'],
  ])('%s: %s, but not with other options', async (line, change, reason, other) => {
    const [name] = line.split(' ')
    const [setting] = change.split('=')
    const given = {
      protocol: `micro:${change}`,
      space: /^[pr]-darts/.test(name) ? 'darts' : 'nb201',
    }
    await expect(check([line], given)).rejects.toThrow(
      `protocol setting ${setting} does nothing for ${name} (${reason}); leave it out`,
    )
    await expect(check([other], given)).resolves.toBeUndefined()
  })

  it.each([
    ['of all training images, where a probe measures on a half', { probes: ['hessian'] }, ''],
    ['of all training images, where they are fewer', {}, ',data.architecturePortion=0.1'],
  ])('but not the halves %s', async (_, more, changes) => {
    const protocol = `micro:data.trainPortion=0.4${changes}`
    await expect(check(['dropnas', 'gaea level=single'], { protocol, ...more })).resolves.toBeUndefined()
  })

  it.each(['score-search', 'zen-nas', 'knas'])('but not the size of the networks that %s scores', async (algorithm) => {
    for (const change of ['network.channels=8', 'network.depth=2', 'data.imageSize=16']) {
      await expect(check([algorithm], { protocol: `micro:${change}` })).resolves.toBeUndefined()
    }
  })

  it('with a reason for each algorithm', async () => {
    await expect(check(['resnet', 'rsps'], { protocol: 'micro:architecture.epsilon=1' })).rejects.toThrow(
      'does nothing for resnet (no search network is trained), rsps (there are no architecture parameters); leave it out',
    )
  })

  it('a probe if no supernet is trained', async () => {
    await expect(check(['random', 'optimal'], { probes: ['hessian:every=2'] })).rejects.toThrow(
      'probe hessian:every=2 does nothing for random (no search network is trained), optimal (no search network is trained); leave it out',
    )
  })

  it('a budget if no search is black-box', async () => {
    await expect(check(['drnas', 'resnet'], { budgetSeconds: 100 })).rejects.toThrow(
      'a budget does nothing for drnas (no black-box search), resnet (no black-box search); leave it out',
    )
  })
})

it.each([
  [['enas', 'darts-v1'], { protocol: 'micro:architecture.learningRate=0.1' }],
  [
    ['drnas'],
    { protocol: 'micro:architecture.learningRate=0.1,stepOrder=weights-first,data.cutout=4,data.cutoutGrows=true' },
  ],
  [['random'], { protocol: 'nb201-paper:headline=own', datasets: ['shapes'] }],
  [['random', 'drnas'], { budgetSeconds: 100, probes: ['hessian'] }],
])('what one of the algorithms reads is taken: %j, %j', async (algorithms, changed) => {
  await expect(check(algorithms, changed)).resolves.toBeUndefined()
})

it('no preset has a setting for an algorithm that does not read it', () => {
  for (const { name, byAlgorithm = {} } of presets) {
    for (const [algorithm, part] of Object.entries(byAlgorithm)) {
      const idle = Object.keys(registered.registry.algorithm(algorithm).idle ?? {})
      const given = listSources(part).map(({ path }) => path)
      expect(
        given.filter((path) => idle.some((start) => path.startsWith(start))),
        `${name}, ${algorithm}`,
      ).toEqual([])
    }
  }
})

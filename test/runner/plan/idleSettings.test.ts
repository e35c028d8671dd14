import { describe, expect, it } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { presets } from '../../../src/protocols/index.ts'
import { listSources } from '../../../src/protocols/preset.ts'
import { DEFAULTS, type Experiment } from '../../../src/runner/plan/experiment.ts'
import { refuseIdleSettings } from '../../../src/runner/plan/idleSettings.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'

const registered = await registerPlugins(builtins, [])

async function check(algorithms: readonly string[], changed: Partial<Experiment>) {
  const requests = algorithms.map((name) => ({ name, options: {} }))
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

import { join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, describe, expect, it } from 'vitest'
import { builtins } from '../../src/builtins.ts'
import { DEFAULTS, type Experiment } from '../../src/runner/plan/experiment.ts'
import { makePlan, type Plan } from '../../src/runner/plan/plan.ts'
import { runWorkOrder } from '../../src/runner/processes/runWorkOrder.ts'
import { Store } from '../../src/runner/store/store.ts'
import { registerPlugins } from '../../src/system/plugins.ts'
import { temporaryFolder, write } from '../data/sampleFiles.ts'

const folder = temporaryFolder()
const photographs = () => join(folder.path, 'photographs')

/** Two classes of 20 photographs, and two to validate; sizes differ. */
beforeEach(async () => {
  for (const [label, name] of ['cat', 'dog'].entries()) {
    for (let i = 0; i < 21; i++) {
      const create = {
        width: 34 + (i % 5),
        height: 32,
        channels: 3,
        background: { r: 90 * label, g: 10 * i, b: 90 },
      } as const
      const file = join(photographs(), i < 20 ? 'train' : 'val', name, `${i}.jpg`)
      write(file, await sharp({ create }).jpeg().toBuffer())
    }
  }
})

const SMALL =
  'micro:epochs=1,batchSize=4,network.depth=3,network.channels=4,data.imageSize=32,data.architecturePortion=0.2'

async function plan(changes: Partial<Experiment> = {}, protocol = `${SMALL},data.trainPortion=0.4`): Promise<Plan> {
  const experiment: Experiment = {
    ...DEFAULTS,
    algorithms: [{ name: 'pc-darts', options: { k: 2 } }],
    space: 'darts',
    datasets: ['imagenet'],
    data: { imagenet: photographs() },
    seeds: [0],
    protocol,
    ...changes,
  }
  return makePlan(experiment, await registerPlugins(builtins, []))
}

/** Returns result, epochs and notices of the run, or its failure. */
async function search({ jobs: [{ id, job }] }: Plan, name = 'store') {
  const store = new Store(join(folder.path, name))
  store.prepare()
  const notices: string[] = []
  let failure: string | undefined
  const order = {
    ...{ store: store.folder, jobs: [{ id, job }], plugins: [], data: photographs() },
    executor: { backend: 'wasm' as const, deterministic: true },
  }
  await runWorkOrder(order, builtins, (event) => {
    if (event.kind === 'notice') notices.push(event.message)
    if (event.kind === 'failed') failure = event.message
  })
  return { result: store.run(id).result(), epochs: store.run(id).epochs(), notices, failure }
}

describe('a search on photographs', { timeout: 60_000 }, () => {
  it('finds the same cells in every run', async () => {
    const one = await search(await plan())
    const other = await search(await plan(), 'another store')
    expect(one.failure).toBeUndefined()
    expect(one.result?.genotype).toMatch(/^Genotype\(normal=/)
    expect(other.epochs.map(({ trainLoss }) => trainLoss)).toEqual(one.epochs.map(({ trainLoss }) => trainLoss))
    expect(other.result?.genotype).toBe(one.result?.genotype)
  })

  it('fails on a broken photograph, or skips it under data.brokenImages=skip', async () => {
    for (let i = 0; i < 19; i++) write(join(photographs(), `train/cat/${i}.jpg`), 'not a picture')
    expect((await search(await plan())).failure).toMatch(
      /train\/cat\/\d+\.jpg cannot be decoded .*; replace it, or skip such files with --protocol .*data\.brokenImages=skip/,
    )
    const skipping = await search(await plan({}, `${SMALL},data.trainPortion=0.4,data.brokenImages=skip`))
    expect(skipping.result?.genotype).toBeDefined()
    expect(skipping.notices[0]).toMatch(/^skipped: .*cannot be decoded/)
    expect(new Set(skipping.notices).size).toBe(skipping.notices.length)
  })

  it('refuses fractions that add up to more than 1', async () => {
    await expect(plan({}, `${SMALL},data.trainPortion=0.9`)).rejects.toThrow(
      /^0.9 of the images for weights and 0.2 for the architecture are more than there are/,
    )
  })

  it('has an identity from names and sizes of the files', async () => {
    const before = (await plan()).jobs[0].id
    expect((await plan()).jobs[0].id).toBe(before)
    write(join(photographs(), 'train/cat/0.jpg'), 'another picture')
    expect((await plan()).jobs[0].id).not.toBe(before)
  })

  it('accepts the presets of the papers', async () => {
    const settings = async (preset: string) => (await plan({}, preset)).jobs[0].job.protocol
    expect(await settings('pcdarts-paper')).toMatchObject({
      batchSize: 1024,
      weights: { learningRate: 0.5, warmUp: { epochs: 5, of: 'scheduled' } },
      architecture: { learningRate: 6e-3, clipNorm: 5 },
      network: { channels: 16, depth: 8, family: 'imagenet' },
      data: { trainPortion: 0.1, architecturePortion: 0.025, imageSize: 224 },
    })
    expect(await settings('drnas-paper')).toMatchObject({
      batchSize: 512,
      weights: { learningRate: 0.5, warmUp: { epochs: 5, of: 'initial' } },
      network: { channels: 48, depth: 14 },
    })
  })

  it.each([
    [{}, 'darts-paper', 'protocol darts-paper has no search on imagenet; use pcdarts-paper, drnas-paper or micro'],
    [{ space: 'nb201' }, SMALL, 'network.family=imagenet is a setting of the DARTS space, not of nb201'],
    [
      { data: { imagenet: '/nowhere' } },
      SMALL,
      'dataset imagenet: /nowhere is not a folder; name one with train/ and val/',
    ],
    [
      { retraining: { family: 'cifar' } },
      SMALL,
      'pc-darts would search imagenet as imagenet and train what it finds as cifar; leave out',
    ],
  ] as const)('is refused before anything is written: %o', async (changes, protocol, message) => {
    await expect(plan(changes, protocol)).rejects.toThrow(message)
  })
})

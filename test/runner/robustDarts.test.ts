import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtins } from '../../src/builtins.ts'
import { DEFAULTS } from '../../src/runner/plan/experiment.ts'
import { makePlan } from '../../src/runner/plan/plan.ts'
import { ResourceOpener } from '../../src/runner/run/jobResources.ts'
import type { RunReport } from '../../src/runner/run/messages.ts'
import { runJob } from '../../src/runner/run/runJob.ts'
import { Store } from '../../src/runner/store/store.ts'
import { registerPlugins } from '../../src/system/plugins.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'

const folder = temporaryFolder()
const executor = { backend: 'wasm', deterministic: true } as const

/** Opens images and executor once for all searches. */
const registered = await registerPlugins(builtins, [])
const opener = new ResourceOpener({ store: '', jobs: [], plugins: [], executor }, registered)

const settings = (own: string) =>
  `micro:epochs=3,batchSize=8,network.channels=4,network.depth=3,data.imageSize=8,data.limit=16,${own}`

/** @param killedAfter epochs, after which the search is broken off as a kill does */
async function search(algorithm: string, space: string, own: string, name: string, killedAfter = 3) {
  const protocol = settings(own)
  const experiment = {
    ...DEFAULTS,
    algorithms: [{ name: algorithm, options: {} }],
    space,
    seeds: [0],
    protocol,
    executor,
  }
  const { jobs } = await makePlan(experiment, registered)
  const [{ id, job }] = jobs
  const store = new Store(join(folder.path, name))
  store.prepare()
  const report = (event: RunReport) => {
    if (event.kind === 'epoch' && event.epoch === killedAfter) throw new Error('killed')
  }
  await runJob(job, store.run(id), () => opener.open(job), report).catch((error) => {
    if (error.message !== 'killed') throw error
  })
  const epochs = store
    .run(id)
    .epochs()
    .map(({ seconds: _, ...epoch }) => epoch)
  return { epochs, genotype: store.run(id).result()?.genotype }
}

describe.each([
  ['darts-v1', 'darts-s4', 'network.dropPath=0'],
  ['darts-v2', 'darts-s4', 'network.dropPath=0.3'],
  ['drnas', 'darts-s2', 'network.dropPath=0.3'],
])('%s on %s with %s', { timeout: 120_000 }, (algorithm, space, own) => {
  it('goes on to the same bits where it was broken off', async () => {
    const whole = await search(algorithm, space, own, 'whole')
    expect(whole.genotype).toMatch(/^Genotype/)
    expect(whole.epochs).toHaveLength(3)
    const broken = await search(algorithm, space, own, 'broken off', 1)
    expect(broken.genotype).toBeUndefined()
    expect(await search(algorithm, space, own, 'broken off')).toEqual(whole)
  })
})

it('dropping edges changes the search from its second epoch on', { timeout: 60_000 }, async () => {
  const kept = await search('darts-v1', 'darts-s2', 'network.dropPath=0', 'kept')
  const dropped = await search('darts-v1', 'darts-s2', 'network.dropPath=0.5', 'dropped')
  const losses = [kept, dropped].map(({ epochs }) => epochs.map(({ trainLoss }) => trainLoss))
  // Summed in another order where there are sites.
  expect(losses[1][0]).toBeCloseTo(losses[0][0] as number, 4)
  expect(Math.abs((losses[1][1] as number) - (losses[0][1] as number))).toBeGreaterThan(1e-3)
})

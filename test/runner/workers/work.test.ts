import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { DEFAULTS } from '../../../src/runner/planning/experiment.ts'
import { makePlan } from '../../../src/runner/planning/plan.ts'
import { registerPlugins } from '../../../src/runner/plugins.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { work } from '../../../src/runner/workers/work.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'

const folder = temporaryFolder()
const executor = { backend: 'wasm', deterministic: true } as const

/** Two seeds of one search, so many at a time: what they found, and the order of what they said. */
async function search(atATime: number) {
  const protocol = 'micro:epochs=3,batchSize=8,network.channels=4,network.depth=1,data.imageSize=8,data.limit=16'
  const algorithms = [{ name: 'drnas', options: {} }]
  const experiment = { ...DEFAULTS, algorithms, seeds: [0, 1], protocol, executor }
  const { jobs } = await makePlan(experiment, await registerPlugins(builtins, []))
  const store = new Store(join(folder.path, `${atATime}`))
  store.prepare()
  const said: string[] = []
  const order = { store: store.folder, jobs: jobs.map(({ id, job }) => ({ id, job })), atATime, plugins: [], executor }
  await work(order, builtins, ({ id, kind }) => said.push(`${kind} ${jobs.findIndex((job) => job.id === id)}`))
  return { found: jobs.map(({ id }) => store.run(id).result()?.genotype), said }
}

describe('a worker process', () => {
  it('runs seeds side by side where it may, to the same architectures as one after the other', async () => {
    const [single, both] = [await search(1), await search(2)]
    expect(single.found).toEqual([expect.stringMatching(/^\|/), expect.stringMatching(/^\|/)])
    expect(both.found).toEqual(single.found)
    expect(single.said.indexOf('finished 0')).toBeLessThan(single.said.indexOf('begun 1'))
    expect(both.said.indexOf('begun 1')).toBeLessThan(both.said.indexOf('finished 0'))
  })
})

import { writeFileSync } from 'node:fs'
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

  it('gives a search what its schema makes of the options, once', async () => {
    const plugin = join(folder.path, 'transforming.ts')
    writeFileSync(plugin, TRANSFORMING)
    const algorithms = [{ name: 'transforming', options: { loud: 'yes', twice: '5' } }]
    const experiment = { ...DEFAULTS, algorithms, seeds: [0], plugins: [plugin], executor }
    const { jobs } = await makePlan(experiment, await registerPlugins(builtins, [plugin]))
    const store = new Store(join(folder.path, 'once'))
    const order = { store: store.folder, jobs, plugins: [plugin], table: 'nb201-micro', executor }
    // As it comes from the command, through a pipe.
    await work(JSON.parse(JSON.stringify(order)), builtins, () => {})
    const [epoch] = store.run(jobs[0].id).epochs()
    expect(epoch.extra).toEqual({ loud: 1, twice: 10, tau: 1 })
  })
})

/** Reports the options that it gets. */
const TRANSFORMING = `import { defineAlgorithm, definePlugin, sample } from 'nas-bench-harness'
import { z } from 'zod'
export default definePlugin({ name: 'transforming', algorithms: [defineAlgorithm({
  name: 'transforming', version: 1, description: '', source: '', kind: 'black-box',
  options: z.strictObject({
    loud: z.stringbool().default(false),
    twice: z.coerce.number().transform((x) => 2 * x),
    tau: z.coerce.number().default(1),
  }),
  async search({ space, random }, { loud, twice, tau }) {
    const answer = sample(space, random('answer'))
    const extra = { loud: Number(loud), twice, tau }
    return { epochs: 1, epoch: async () => ({ extra }), genotype: () => answer, save: async () => ({}), restore() {}, dispose() {} }
  },
})] })`

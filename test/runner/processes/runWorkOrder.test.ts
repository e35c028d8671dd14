import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import type { Job } from '../../../src/core/result.ts'
import { DEFAULTS } from '../../../src/runner/plan/experiment.ts'
import { runId } from '../../../src/runner/plan/identity.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { runWorkOrder } from '../../../src/runner/processes/runWorkOrder.ts'
import type { WorkOrder } from '../../../src/runner/run/messages.ts'
import { storeStatus } from '../../../src/runner/status.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { describeEnvironment } from '../../../src/system/environment.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'

const folder = temporaryFolder()
const executor = { backend: 'wasm', deterministic: true } as const

/** Runs two seeds, `atATime` at once. → the genotypes found, and the events in order */
async function search(atATime: number) {
  const protocol = 'micro:epochs=3,batchSize=8,network.channels=4,network.depth=1,data.imageSize=8,data.limit=16'
  const algorithms = [{ name: 'drnas', options: {} }]
  const experiment = { ...DEFAULTS, algorithms, seeds: [0, 1], protocol, executor }
  const { jobs } = await makePlan(experiment, await registerPlugins(builtins, []))
  const store = new Store(join(folder.path, `${atATime}`))
  store.prepare()
  const events: string[] = []
  const order = { store: store.folder, jobs: jobs.map(({ id, job }) => ({ id, job })), atATime, plugins: [], executor }
  await runWorkOrder(order, builtins, ({ id, kind }) =>
    events.push(`${kind} ${jobs.findIndex((job) => job.id === id)}`),
  )
  return { found: jobs.map(({ id }) => store.run(id).result()?.genotype), events }
}

describe('a worker process', () => {
  it('finds the same architectures whether seeds run in parallel or in sequence', async () => {
    const [single, both] = [await search(1), await search(2)]
    expect(single.found).toEqual([expect.stringMatching(/^\|/), expect.stringMatching(/^\|/)])
    expect(both.found).toEqual(single.found)
    expect(single.events.indexOf('finished 0')).toBeLessThan(single.events.indexOf('begun 1'))
    expect(both.events.indexOf('begun 1')).toBeLessThan(both.events.indexOf('finished 0'))
  })

  it('gives a search its options parsed once', async () => {
    const { order, runs } = await planned('transforming', TRANSFORMING)
    await runWorkOrder(order, builtins, () => {})
    const [epoch] = runs[0].epochs()
    expect(epoch.extra).toEqual({ loud: 1, twice: 10, tau: 1 })
  })

  it.each<[string, Partial<Job>, string]>([
    ['other arithmetic', { arithmetic: 'fused' }, 'planned for static/wasm, arithmetic fused, and here'],
    [
      'arithmetic that was not recorded',
      { arithmetic: undefined },
      'planned for static/wasm, arithmetic not recorded, and',
    ],
    [
      'another executor',
      { executor: 'static/webgpu' },
      'planned for static/webgpu, arithmetic deterministic, and here',
    ],
  ])('goes on with no run that was planned for %s', async (_, changes, message) => {
    const protocol = 'micro:epochs=1,batchSize=8,network.channels=4,network.depth=1,data.imageSize=8,data.limit=16'
    const experiment = { ...DEFAULTS, algorithms: [{ name: 'drnas', options: {} }], seeds: [0], protocol, executor }
    const [{ job: planned }] = (await makePlan(experiment, await registerPlugins(builtins, []))).jobs
    const job = { ...planned, ...changes }
    const store = new Store(join(folder.path, message))
    const order = { store: store.folder, jobs: [{ id: runId(job), job }], plugins: [], executor }
    const failures: string[] = []
    await runWorkOrder(order, builtins, (event) => event.kind === 'failed' && failures.push(event.message))
    expect(failures).toEqual([expect.stringContaining(message)])
    expect(storeStatus(store)).toMatchObject([{ state: 'failed', epochs: 0, failure: failures[0] }])
  })

  it.each([
    ['is another by now', `${TRANSFORMING} // changed`, 'the plugin of transforming changed while the command ran'],
    ['can no longer be loaded', 'export default {', 'cannot be loaded'],
    [
      'no longer has the algorithm',
      'export default { name: "empty", algorithms: [] }',
      'unknown algorithm "transforming"',
    ],
  ])('runs nothing by a plugin that %s', async (what, text, message) => {
    const { plugin, order, runs } = await planned(what, TRANSFORMING)
    writeFileSync(plugin, text)
    // A worker process has loaded nothing yet.
    delete createRequire(import.meta.url).cache[plugin]
    const failures: string[] = []
    await runWorkOrder(order, builtins, (event) => event.kind === 'failed' && failures.push(event.message))
    expect(failures).toEqual([expect.stringContaining(message)])
    expect(runs[0].state()).toBe('failed')
    expect(runs[0].failure()?.message).toBe(failures[0])
    expect(runs[0].epochCount()).toBe(0)
  })

  it.each<[string, (order: WorkOrder) => WorkOrder, RegExp]>([
    ['plugin', (order) => ({ ...order, plugins: ['./gone.ts'] }), /gone\.ts/],
    ['table', (order) => ({ ...order, table: 'gone' }), /gone/],
    ['table that cannot be read', (order) => ({ ...order, table: folder.path }), /./],
    ['algorithm', changed((job) => ({ ...job, algorithm: { ...job.algorithm, name: 'gone' } })), /unknown algorithm/],
    ['space', changed((job) => ({ ...job, space: 'gone' })), /unknown .*space "gone"/],
    ['probe', changed((job) => ({ ...onImages(job), probes: ['gone'] })), /unknown probe "gone"/],
    [
      'option',
      changed((job) => ({ ...job, algorithm: { ...job.algorithm, options: { twice: 'gone' } } })),
      /option twice=gone/,
    ],
    ['image', (order) => ({ ...changed(onImages)(order), data: folder.path }), /./],
  ])('records the failure of a job whose %s cannot be opened, with the reported reason', async (what, spoil, why) => {
    const { order, runs } = await planned(`no ${what}`, TRANSFORMING)
    const failures: string[] = []
    await runWorkOrder(spoil(order), builtins, (event) => event.kind === 'failed' && failures.push(event.message))
    expect(failures).toEqual([expect.stringMatching(why)])
    const store = new Store(order.store)
    expect(storeStatus(store)).toMatchObject([{ id: runs[0].id, state: 'failed', epochs: 0, failure: failures[0] }])
  })

  it('writes nothing into a folder that holds another job', async () => {
    const { order, runs } = await planned('foreign', TRANSFORMING)
    const manifest = {
      schema: 1,
      id: runs[0].id,
      job: { ...order.jobs[0].job, seed: 7 },
      environment: describeEnvironment(),
    }
    mkdirSync(runs[0].path, { recursive: true })
    writeFileSync(join(runs[0].path, 'run.json'), JSON.stringify(manifest))
    const failures: string[] = []
    await runWorkOrder(order, builtins, (event) => event.kind === 'failed' && failures.push(event.message))
    expect(failures).toEqual([expect.stringContaining('holds a job other than the one that its name stands for')])
    expect(readdirSync(runs[0].path)).toEqual(['run.json'])
  })
})

/** Returns the work order of a search by a plugin's only algorithm, and the folder of its run. */
async function planned(name: string, text: string) {
  const plugin = join(folder.path, `${name}.ts`)
  writeFileSync(plugin, text)
  const algorithms = [{ name: 'transforming', options: { loud: 'yes', twice: '5' } }]
  const experiment = { ...DEFAULTS, algorithms, seeds: [0], plugins: [plugin], executor }
  const { jobs } = await makePlan(experiment, await registerPlugins(builtins, [plugin]))
  const store = new Store(join(folder.path, `store of ${name}`))
  const order = { store: store.folder, jobs, plugins: [plugin], table: 'nb201-micro', executor }
  return { plugin, order: JSON.parse(JSON.stringify(order)) as WorkOrder, runs: jobs.map(({ id }) => store.run(id)) }
}

const changed =
  (change: (job: Job) => Job) =>
  (order: WorkOrder): WorkOrder => ({ ...order, jobs: order.jobs.map(({ id, job }) => ({ id, job: change(job) })) })

/** A search that opens images and an executor. */
const onImages = (job: Job): Job => ({
  ...job,
  algorithm: { name: 'darts-v1', version: 1, options: {} },
  dataset: { name: 'cifar10', contentHash: 'other images' },
  executor: 'static/wasm',
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

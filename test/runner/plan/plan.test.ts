import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { DEFAULTS, type Experiment } from '../../../src/runner/plan/experiment.ts'
import { jobsToRead, makePlan, type PlannedJob } from '../../../src/runner/plan/plan.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'

const folder = temporaryFolder()

test('a job records the plugin of its space like that of its algorithm', async () => {
  const plugin = join(folder.path, 'mine.ts')
  const darts = "{ ...builtins.spaces.find(({ name }) => name === 'darts'), name: 'mine' }"
  writeFileSync(
    plugin,
    `import { builtins } from 'nas-bench-harness'\nexport default { name: 'mine', spaces: [${darts}] }`,
  )
  const experiment = { ...DEFAULTS, algorithms: [{ name: 'random', options: { evaluations: 1 } }], seeds: [0] }
  const registered = await registerPlugins(builtins, [plugin])
  const jobOn = async (space: string) => (await makePlan({ ...experiment, space }, registered)).jobs[0].job
  expect(await jobOn('mine')).toMatchObject({ space: 'mine', spacePlugin: expect.stringMatching(/^mine.ts@sha256:/) })
  expect(await jobOn('darts')).not.toHaveProperty('spacePlugin')
})

test('the metric is part of a search’s job and of its training, unless it is the one that they have anyway', async () => {
  const registered = await registerPlugins(builtins, [])
  const algorithms = [{ name: 'darts-v1', options: {} }]
  const experiment = { ...DEFAULTS, algorithms, space: 'darts', retraining: { preset: 'trial' }, seeds: [0] }
  const planned = async (changes: Partial<Experiment>) =>
    (await makePlan({ ...experiment, ...changes }, registered)).jobs[0]
  const plain = await planned({})
  expect((await planned({ metric: 'top1' }))?.id).toBe(plain?.id)
  const { id, job } = (await planned({ metric: 'mAP' })) ?? {}
  expect(id).not.toBe(plain?.id)
  expect([job?.protocol.metric, job?.retraining?.settings.metric]).toEqual(['mAP', 'mAP'])
  const zen = await planned({ protocol: 'zen-paper', metric: 'top1' })
  expect([zen?.job.protocol.metric, zen?.job.retraining?.settings.metric]).toEqual(['top1', undefined])
})

test('jobs whose runs are read are those of the backend on which most of their runs were made', async () => {
  const registered = await registerPlugins(builtins, [])
  const algorithms = ['darts-v1', 'random'].map((name) => ({ name, options: {} }))
  const experiment = { ...DEFAULTS, algorithms, protocol: 'micro', budgetSeconds: 100, seeds: [0, 1] }
  const on = (changes: Partial<Experiment['executor']>) =>
    ({ ...experiment, executor: { ...DEFAULTS.executor, ...changes } }) satisfies Experiment
  const read = (asked: Experiment, there: readonly PlannedJob[]) =>
    jobsToRead(asked, registered, { isThere: (id) => there.some((each) => each.id === id), report: () => {} })
  const ids = (jobs: readonly PlannedJob[]) => jobs.map(({ id }) => id)
  const { jobs: portable } = await makePlan(on({ backend: 'wasm' }), registered)
  const gpu = await read(on({ backend: 'webgpu' }), [])
  expect(gpu.map(({ job }) => job.executor)).toEqual(['static/webgpu', 'static/webgpu', undefined, undefined])

  const found = async (there: readonly PlannedJob[]) => ids(await read(on({}), there))
  expect(await found([])).toEqual(ids(portable))
  expect(await found(portable)).toEqual(ids(portable))
  expect(await found(gpu.slice(0, 1))).toEqual(ids(gpu))
  expect(await found([...gpu, ...portable])).toEqual(ids(gpu))
  expect(await found([...gpu.slice(0, 1), ...portable])).toEqual(ids(portable))
  expect(ids(await read(on({ backend: 'wasm' }), gpu))).toEqual(ids(portable))
  expect(ids(await read(on({ deterministic: true }), gpu))).toEqual(ids(portable))
})

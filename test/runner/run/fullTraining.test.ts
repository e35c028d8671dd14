/** What a job that trains an architecture in full tells the user while it runs. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { DEFAULTS } from '../../../src/runner/plan/experiment.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { runWorkOrder } from '../../../src/runner/processes/runWorkOrder.ts'
import type { RunReport } from '../../../src/runner/run/messages.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { temporaryFolder } from '../../data/sampleFiles.ts'
import { writePictures } from '../../retrain/tinyTraining.ts'

const folder = temporaryFolder()
const executor = { backend: 'wasm', deterministic: true } as const

test('the progress of a full training has its epoch, loss and test error', async () => {
  const pictures = await writePictures(join(folder.path, 'pictures'))
  const experiment = {
    ...DEFAULTS,
    algorithms: [{ name: 'genotype', options: { genotype: 'DARTS_V2' } }],
    space: 'darts',
    datasets: ['pictures'],
    data: { pictures },
    protocol: 'darts-paper',
    seeds: [0],
    executor,
    retraining: { preset: 'trial', epochs: 2, channels: 4, layers: 3, batchSize: 4, limit: 8 },
  }
  const { jobs } = await makePlan(experiment, await registerPlugins(builtins, []))
  const store = new Store(join(folder.path, 'store'))
  store.prepare()
  const events: RunReport[] = []
  const order = {
    store: store.folder,
    jobs: jobs.map(({ id, job }) => ({ id, job })),
    plugins: [],
    data: pictures,
    executor,
  }
  await runWorkOrder(order, builtins, (event) => events.push(event as RunReport))
  const told = events.filter((event) => event.kind === 'retraining')
  const { metrics = [] } = store.run(jobs[0].id).result() ?? {}
  const [tested] = metrics.filter(({ split }) => split === 'ori-test')
  expect(told.at(-1)).toMatchObject({ seed: 0, share: 1, epochs: 2, epoch: 2, testErrorPct: 100 - tested.accuracyPct })
  expect(told.map(({ epoch }) => epoch)).toEqual([0, 0, 1, 1, 1, 2])
  for (const { epoch, ...numbers } of told)
    expect(Object.keys(numbers).includes('testErrorPct'), `epoch ${epoch}`).toBe(epoch > 0)
})

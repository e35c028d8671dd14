import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { builtins } from '../../../src/builtins.ts'
import { DEFAULTS } from '../../../src/runner/plan/experiment.ts'
import { makePlan } from '../../../src/runner/plan/plan.ts'
import { cudaDevices } from '../../../src/runner/processes/orders.ts'
import { runOrders, workerEnvironment } from '../../../src/runner/processes/pool.ts'
import type { RunEvent } from '../../../src/runner/run/messages.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { writeToyTable } from '../../support/toyTable.ts'

// Real worker processes, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

afterEach(() => vi.unstubAllEnvs())

test('TensorFlow uses the threads of its worker process', () => {
  vi.stubEnv('TF_NUM_INTRAOP_THREADS', undefined)
  expect(workerEnvironment({ backend: 'tensorflow', threads: 3 })).toHaveProperty('TF_NUM_INTRAOP_THREADS', '3')
})

test('variables that the user has set win', () => {
  vi.stubEnv('TF_NUM_INTRAOP_THREADS', '7')
  vi.stubEnv('UV_THREADPOOL_SIZE', '9')
  expect(workerEnvironment({ backend: 'tensorflow', threads: 3 })).toMatchObject({
    TF_NUM_INTRAOP_THREADS: '7',
    UV_THREADPOOL_SIZE: '9',
  })
})

test('a process gets one GPU and allocates its memory as needed', () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '3,5')
  expect(workerEnvironment({ backend: 'tensorflow' }, { CUDA_VISIBLE_DEVICES: '5' })).toMatchObject({
    CUDA_VISIBLE_DEVICES: '5',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  })
})

test('the GPUs are those of CUDA_VISIBLE_DEVICES, else those of the driver', () => {
  const root = mkdtempSync(join(tmpdir(), 'bench-gpus-'))
  for (const bus of ['0000:3b:00.0', '0000:af:00.0'])
    mkdirSync(join(root, 'proc/driver/nvidia/gpus', bus), { recursive: true })
  expect(cudaDevices({}, root)).toEqual(['0', '1'])
  expect(cudaDevices({ CUDA_VISIBLE_DEVICES: 'GPU-8a3f,GPU-77b1' }, root)).toEqual(['GPU-8a3f', 'GPU-77b1'])
  expect(cudaDevices({ CUDA_VISIBLE_DEVICES: '' }, root)).toEqual([])
  expect(cudaDevices({}, join(root, 'nowhere'))).toEqual([])
  rmSync(root, { recursive: true })
})

test.each([0, 3])(
  'a job whose plugin ends the worker process with exit code %i is recorded as failed',
  async (code) => {
    const root = mkdtempSync(join(tmpdir(), 'bench-exit-'))
    vi.stubEnv('NAS_BENCH_HOME', root)
    writeToyTable(join(root, 'tables'))
    const source = join(root, 'leaver.ts')
    writeFileSync(
      source,
      `import { defineAlgorithm, definePlugin, sample } from 'nas-bench-harness'
    import { z } from 'zod'
    export default definePlugin({
      name: 'leaver',
      algorithms: [
        defineAlgorithm({
          name: 'leaver', version: 1, description: '', source: 'written for this test', kind: 'black-box',
          options: z.strictObject({}),
          async search({ space, random, seed }) {
            const genotype = () => sample(space, random('answer'))
            const epoch = async () => (seed === 1 ? process.exit(${code}) : {})
            return { epochs: 1, epoch, genotype, save: async () => ({}), restore() {}, dispose() {} }
          },
        }),
      ],
    })`,
    )
    const algorithms = [{ name: 'leaver', options: {} }]
    const experiment = { ...DEFAULTS, datasets: ['cifar10'], algorithms, seeds: [0, 1, 2], plugins: [source] }
    const { jobs } = await makePlan(experiment, await registerPlugins(builtins, [source]))
    const store = new Store(join(root, 'runs'))
    store.prepare()
    const events: RunEvent[] = []
    const { executor } = DEFAULTS
    const order = { store: store.folder, jobs: jobs.map(({ id, job }) => ({ id, job })), plugins: [source], executor }
    await runOrders([order], { jobs: 1, gpus: [] }, (event) => events.push(event))
    expect(jobs.map(({ id }) => store.run(id).state())).toEqual(['finished', 'failed', 'finished'])
    const message = `the worker process was lost (exit code ${code}); the same command goes on from its checkpoint`
    expect(store.run(jobs[1].id).failure()).toMatchObject({ message })
    expect(events.filter(({ kind }) => kind === 'failed')).toMatchObject([{ id: jobs[1].id, code: 'failed', message }])
    rmSync(root, { recursive: true })
  },
)

import { afterAll, describe, expect, it } from 'vitest'
import { builtins } from '../../src/builtins.ts'
import { Device } from '../../src/engine/webgpu/device/device.ts'
import { describeGpu } from '../../src/engine/webgpu/device/gpu.ts'
import { openWebgpuExecutor } from '../../src/engine/webgpu/index.ts'
import { DEFAULTS } from '../../src/runner/plan/experiment.ts'
import { makePlan } from '../../src/runner/plan/plan.ts'
import { ResourceOpener } from '../../src/runner/run/jobResources.ts'
import type { RunReport } from '../../src/runner/run/messages.ts'
import { runJob } from '../../src/runner/run/runJob.ts'
import { Store } from '../../src/runner/store/store.ts'
import { registerPlugins } from '../../src/system/plugins.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'
import { full } from '../support/full.ts'

const gpu = await describeGpu()
if (gpu === undefined) console.warn('skipped: WebGPU finds no adapter; docs/backends.md says how to emulate one')

const folder = temporaryFolder()
const executor = { backend: 'webgpu' } as const
const protocol = 'micro:epochs=3,batchSize=8,network.channels=4,network.depth=1,data.imageSize=8,data.limit=16'

// An emulated GPU is slow; `engine/webgpu/executor.test.ts` has the error and the restored state in short.
describe.runIf(gpu !== undefined && (full || !gpu.isSoftware))(
  'a search whose GPU is lost',
  { timeout: 120_000 },
  () => {
    let device: Device | undefined
    afterAll(() => device?.gpu.destroy())

    it('ends with one clear error, and resumes from its checkpoint on another GPU', async () => {
      const registered = await registerPlugins(builtins, [])
      const algorithms = [{ name: 'darts-v1', options: {} }]
      const { jobs } = await makePlan({ ...DEFAULTS, algorithms, seeds: [0], protocol, executor }, registered)
      const [{ id, job }] = jobs
      expect(job.executor).toBe('static/webgpu')
      const store = new Store(folder.path)
      store.prepare()
      const opener = new ResourceOpener({ store: store.folder, jobs: [], plugins: [], executor }, registered)
      const run = async (report: (report: RunReport) => void) => {
        const own = await Device.open()
        device = own
        const open = async () => ({ ...(await opener.open(job)), executor: () => openWebgpuExecutor({ device: own }) })
        return runJob(job, store.run(id), open, report)
      }

      const interrupted = run((event) => {
        // So long a first epoch that a checkpoint is due at its end.
        if (event.kind === 'begun') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100)
        if (event.kind === 'epoch') device?.gpu.destroy()
      })
      await expect(interrupted).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringMatching(/^the GPU was lost \(.*\); the same command goes on from the last checkpoint$/),
      })
      expect(store.run(id).isFinished()).toBe(false)

      const reports: RunReport[] = []
      const result = await run((event) => reports.push(event))
      expect(reports.find(({ kind }) => kind === 'begun')).toMatchObject({ from: 1 })
      expect(result.epochs).toBe(3)
    })
  },
)

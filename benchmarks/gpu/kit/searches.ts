/**
 * Runs searches of several seeds in one process, with checkpoints in a store, and prints a line for each epoch. A
 * search that was interrupted, here or on another machine, continues from its checkpoint.
 *
 *     searches ALGORITHM PROTOCOL|small SEEDS
 *
 * `GPU_KIT_STORE` names the store, `GPU_KIT_IMAGES` the folder of CIFAR-10. The small form also works without these
 * images, on some that the program draws. In it the device is lost on purpose after an epoch, and the searches continue
 * from their checkpoints.
 */
import { setTimeout } from 'node:timers/promises'
import { builtins } from '../../../src/builtins.ts'
import { BenchError } from '../../../src/core/errors.ts'
import { Device } from '../../../src/engine/webgpu/device/device.ts'
import { openWebgpuExecutor } from '../../../src/engine/webgpu/index.ts'
import { ResourceOpener } from '../../../src/runner/run/jobResources.ts'
import { runJob } from '../../../src/runner/run/runJob.ts'
import { Store } from '../../../src/runner/store/store.ts'
import { registerPlugins } from '../../../src/system/plugins.ts'
import { emit, runProgram } from './output.ts'
import { EXECUTOR, planSearches } from './searchPlan.ts'

await runProgram(async () => {
  const [algorithm, protocol, seeds] = process.argv.slice(2)
  const { GPU_KIT_STORE: folder = 'gpu-kit-store', GPU_KIT_IMAGES: images } = process.env
  const registered = await registerPlugins(builtins, [])
  const searches = await planSearches({ algorithm, protocol, seeds: Number(seeds) }, images, registered)
  const store = new Store(folder)
  store.prepare()
  const order = { store: folder, jobs: [], plugins: [], executor: EXECUTOR, data: images }
  const opener = new ResourceOpener(order, registered)

  async function run(device: Device, { loseDevice = false } = {}): Promise<void> {
    const ended = await Promise.allSettled(
      searches.map(async ({ id, job }) => {
        if (store.run(id).isFinished()) return emit({ run: id, finished: true })
        let last = performance.now()
        const open = async () => ({ ...(await opener.open(job)), executor: () => openWebgpuExecutor({ device }) })
        const result = await runJob(job, store.run(id), open, (event) => {
          if (event.kind === 'begun') emit({ run: id, seed: job.seed, from: event.from, epochs: event.epochs })
          if (event.kind === 'notice') emit({ run: id, notice: event.message })
          if (event.kind !== 'epoch') return
          const seconds = (performance.now() - last) / 1000
          last = performance.now()
          emit({ run: id, seed: job.seed, epoch: event.epoch, seconds, loss: event.loss })
          if (!loseDevice) return
          // Checkpoints are a second apart.
          if (event.epoch === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100)
          else device.gpu.destroy()
        })
        emit({ run: id, seed: job.seed, epochs: result.epochs, architecture: result.genotype, timing: result.timing })
      }),
    )
    const failure = ended.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
    if (failure !== undefined) throw failure.reason
  }

  if (protocol === 'small' && searches.some(({ id }) => !store.run(id).isFinished())) {
    const lost = await run(await Device.open(), { loseDevice: true }).then(
      () => undefined,
      (error: Error) => error,
    )
    if (!(lost instanceof BenchError)) throw lost ?? new Error('the device was destroyed, but no search noticed it')
    emit({ lost: lost.message })
    // Dawn reports the loss to every waiting promise first.
    await setTimeout(10)
  }
  await run(await Device.open())
})

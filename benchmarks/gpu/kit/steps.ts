/**
 * Measures our executor on a network: milliseconds of each step, with the dispatches, bytes, operations and memory of
 * the plan. Times are wall-clock means over ten steps and one wait for the device; the first sample is a warm-up.
 *
 *     steps search|evaluation|darts NUMBER NUMBER SIZE BATCH SECONDS [promised]
 *
 * With `promised`, buffers and bindings are limited to what WebGPU guarantees on every device.
 */
import { random } from '../../../src/core/random.ts'
import { Device } from '../../../src/engine/webgpu/device/device.ts'
import { openWebgpuExecutor } from '../../../src/engine/webgpu/index.ts'
import { initialWeights } from '../../../src/training/initialise.ts'
import { workOf } from '../../executor/gpuWork.ts'
import { randomFeed, SGD } from '../../executor/workload.ts'
import { workloadOf } from './networks.ts'
import { emit, runProgram } from './output.ts'

const LOSS = { kind: 'cross-entropy' } as const
const STEPS = 10

await runProgram(async () => {
  const [name, first, second, size, batch, seconds, limits] = process.argv.slice(2)
  const { network, batchSize, steps } = workloadOf(name, [first, second, size, batch])
  const device = await Device.open(limits === 'promised' ? 'promised' : 'largest')
  for (const step of steps) {
    const { dispatches, bytes, operations, memory } = workOf(device, network, batchSize, step)
    emit({ work: step, dispatches: dispatches.length, bytes, operations, memoryBytes: memory })
  }
  const executor = await openWebgpuExecutor({ device })
  const start = performance.now()
  const executable = await executor.compile(network, { batchSize })
  emit({ compileSeconds: (performance.now() - start) / 1000 })
  executable.weights.write(initialWeights(network, random(0, 'weights')))
  const feed = randomFeed(network, batchSize)
  const repeated = device.description.isSoftware ? 1 : STEPS
  const sample = async () => {
    const found: Record<string, { readonly wallMs: number }> = {}
    for (const step of steps) {
      const begin = performance.now()
      for (let i = 0; i < repeated; i++) {
        if (step === 'weights') await executable.step(feed, LOSS, SGD)
        else await executable.gradient(feed, LOSS, { coefficients: true }, 'train')
      }
      await executable.takeTally()
      found[step] = { wallMs: (performance.now() - begin) / repeated }
    }
    return found
  }
  await sample()
  const end = performance.now() + 1000 * Number(seconds)
  do emit(await sample())
  while (performance.now() < end)
})

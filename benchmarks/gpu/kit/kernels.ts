/**
 * Measures how long each kernel takes within a step, by timestamps of the device: every dispatch gets a pass of its
 * own, so that passes cost a little more than in a real step, where all dispatches share one.
 *
 *     kernels NETWORK NUMBER NUMBER SIZE BATCH [NETWORK …]
 */
import { random } from '../../../src/core/random.ts'
import { Device } from '../../../src/engine/webgpu/device/device.ts'
import { openWebgpuExecutor } from '../../../src/engine/webgpu/index.ts'
import { initialWeights } from '../../../src/training/initialise.ts'
import { median, randomFeed, SGD } from '../../executor/workload.ts'
import { workloadOf } from './networks.ts'
import { emit, runProgram } from './output.ts'

const LOSS = { kind: 'cross-entropy' } as const
/** Largest number of timestamps in one set of queries (a limit of WebGPU). */
const MOST_TIMESTAMPS = 4096
const ROUNDS = 3

/** Replaces `beginComputePass` of the device's encoders: each dispatch becomes a pass with two timestamps. */
class KernelTimer {
  readonly #device: Device
  readonly #queries: GPUQuerySet
  #labels: string[] = []

  constructor(device: Device) {
    this.#device = device
    this.#queries = device.gpu.createQuerySet({ type: 'timestamp', count: MOST_TIMESTAMPS })
    const create = device.gpu.createCommandEncoder.bind(device.gpu)
    device.gpu.createCommandEncoder = (descriptor) => {
      const encoder = create(descriptor)
      const begin = encoder.beginComputePass.bind(encoder)
      encoder.beginComputePass = () => this.#timedPass(begin)
      return encoder
    }
  }

  /** Returns an object in the place of a compute pass, with the three functions that the executor calls. */
  #timedPass(begin: GPUCommandEncoder['beginComputePass']): GPUComputePassEncoder {
    let pipeline: GPUComputePipeline | undefined
    const groups = new Map<number, unknown[]>()
    const pass = {
      setPipeline: (next: GPUComputePipeline) => {
        pipeline = next
      },
      setBindGroup: (...args: [number, ...unknown[]]) => groups.set(args[0], args),
      dispatchWorkgroups: (...counts: [number, number?, number?]) => {
        const at = 2 * this.#labels.length
        const isTimed = at + 2 <= MOST_TIMESTAMPS
        const timestampWrites = {
          ...{ querySet: this.#queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 },
        }
        const real = begin(isTimed ? { timestampWrites } : {})
        if (isTimed) this.#labels.push(pipeline?.label ?? '')
        real.setPipeline(pipeline as GPUComputePipeline)
        for (const args of groups.values()) (real.setBindGroup as (...args: unknown[]) => void)(...args)
        real.dispatchWorkgroups(...counts)
        real.end()
      },
      end: () => {},
    }
    return pass as unknown as GPUComputePassEncoder
  }

  /** Returns the microseconds and dispatches of each kernel since the last call. */
  async read(): Promise<Map<string, { microseconds: number; dispatches: number }>> {
    const labels = this.#labels
    this.#labels = []
    const { gpu } = this.#device
    const bytes = Math.max(16, 16 * labels.length)
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage
    const resolved = gpu.createBuffer({ size: bytes, usage: QUERY_RESOLVE | COPY_SRC })
    const copy = gpu.createBuffer({ size: bytes, usage: COPY_DST | MAP_READ })
    const encoder = gpu.createCommandEncoder()
    if (labels.length > 0) encoder.resolveQuerySet(this.#queries, 0, 2 * labels.length, resolved, 0)
    encoder.copyBufferToBuffer(resolved, 0, copy, 0, bytes)
    gpu.queue.submit([encoder.finish()])
    await copy.mapAsync(GPUMapMode.READ)
    const times = new BigUint64Array(copy.getMappedRange().slice(0))
    for (const buffer of [resolved, copy]) buffer.destroy()
    const kernels = new Map<string, { microseconds: number; dispatches: number }>()
    labels.forEach((label, i) => {
      const kernel = kernels.get(label) ?? { microseconds: 0, dispatches: 0 }
      kernel.microseconds += Number(times[2 * i + 1] - times[2 * i]) / 1000
      kernel.dispatches++
      kernels.set(label, kernel)
    })
    return kernels
  }
}

async function measure(device: Device, timer: KernelTimer, name: string, size: readonly string[]): Promise<void> {
  const { network, batchSize } = workloadOf(name, size)
  const executable = await (await openWebgpuExecutor({ device })).compile(network, { batchSize })
  executable.weights.write(initialWeights(network, random(0, 'weights')))
  const feed = randomFeed(network, batchSize)
  const rounds: Awaited<ReturnType<KernelTimer['read']>>[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    await executable.step(feed, LOSS, SGD)
    await executable.takeTally()
    const times = await timer.read()
    // The first step is a warm-up.
    if (round > 0) rounds.push(times)
  }
  executable.dispose()
  const kernels = [...rounds[0]].map(([kernel, { dispatches }]) => {
    const microseconds = median(rounds.map((times) => times.get(kernel)?.microseconds ?? 0))
    return { kernel, dispatches, microseconds: Math.round(10 * microseconds) / 10 }
  })
  emit({ network: [name, ...size].join(' '), step: 'weights', kernels: kernels.toSorted(byTime) })
}

const byTime = (a: { microseconds: number }, b: { microseconds: number }) => b.microseconds - a.microseconds

await runProgram(async () => {
  const words = process.argv.slice(2)
  const device = await Device.open('largest', { timestamps: true })
  const timer = new KernelTimer(device)
  for (let i = 0; i + 5 <= words.length; i += 5) await measure(device, timer, words[i], words.slice(i + 1, i + 5))
})

/**
 * Milliseconds of a weight step, a mixing gradient and an evaluation of a NAS-Bench-201 search network, by executor:
 * medians of wall time, and processor time where other work shares the machine.
 *
 *     npx jiti benchmarks/executor/step.ts [CHANNELS N BATCH SIZE [BACKEND …]]    (default: 4 1 64 8 wasm)
 */
import { cpus, loadavg } from 'node:os'
import type { Batch } from '../../src/core/data.ts'
import { random } from '../../src/core/random.ts'
import type { Supernet } from '../../src/core/supernet.ts'
import { type BackendName, openExecutor } from '../../src/engine/executors.ts'
import { createSupernet } from '../../src/engine/supernet.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'

const [channels = 4, depth = 1, batchSize = 64, size = 8] = process.argv.slice(2, 6).map(Number)
const backends = (process.argv.length > 6 ? process.argv.slice(6) : ['wasm']) as BackendName[]

const shape = { height: size, width: size, channels: 3, classes: 10 }
const network = nb201.supernet({ shape, channels, depth, batchNorm: { affine: false, track: true } })
const mixing = { theta: nb201.edges.map(({ operations }) => operations.map(() => 1 / operations.length)) }
const sgd = { learningRate: 0.025, momentum: 0.9, nesterov: false, weightDecay: 3e-4, clipNorm: 5 }

console.log(`${network.name}, batch ${batchSize}, ${size}×${size}; ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}`)
for (const backend of backends) {
  for (const executor of backend === 'wasm' ? (['tfjs', 'static'] as const) : (['tfjs'] as const)) {
    const opened = await openExecutor({ backend, executor })
    const stream = random(0, 'weights')
    const supernet = await createSupernet({ executor: opened, network, edges: nb201.edges, batchSize, stream })
    for (const [name, run] of Object.entries(work(supernet, randomBatch()))) {
      const { wall, cpu } = await measure(run)
      console.log(`${opened.name.padEnd(16)} ${name.padEnd(16)} ${wall.toFixed(2)} ms, processor ${cpu.toFixed(2)} ms`)
    }
    supernet.dispose()
  }
}

function work(supernet: Supernet, batch: Batch): Record<string, () => Promise<unknown>> {
  return {
    'weight step': async () => {
      await supernet.step(batch, mixing, sgd)
      await supernet.takeTally()
    },
    'mixing gradient': () => supernet.gradient(batch, mixing),
    evaluation: () => supernet.evaluate([batch], mixing),
  }
}

function randomBatch(): Batch {
  const stream = random(0, 'batch')
  return {
    images: Float32Array.from({ length: batchSize * size * size * 3 }, () => stream.normal()),
    labels: Int32Array.from({ length: batchSize }, () => stream.integer(10)),
    size: batchSize,
  }
}

/** Median wall time and mean processor time of one run, in ms, over as many runs as two seconds hold. */
async function measure(run: () => Promise<unknown>): Promise<{ wall: number; cpu: number }> {
  for (let i = 0; i < 3; i++) await run()
  const times: number[] = []
  const startCpu = process.cpuUsage()
  const start = performance.now()
  while (performance.now() - start < 2000 || times.length < 5) {
    const from = performance.now()
    await run()
    times.push(performance.now() - from)
  }
  const { user, system } = process.cpuUsage(startCpu)
  times.sort((a, b) => a - b)
  return { wall: times[times.length >> 1], cpu: (user + system) / 1000 / times.length }
}

/**
 * Our side of the comparison: one weight step and one architecture gradient of the NAS-Bench-201 search network.
 *
 *     npx jiti benchmarks/executor/searchStep.ts static|static-fused|tfjs|tensorflow CHANNELS CELLS SIZE BATCH SECONDS [THREADS]
 *
 * Threads are the static executor's, however small the network. Prints one JSON line a step pair, as `search_step.py`
 * does, and the memory at last.
 */
import type { Executor } from '../../src/core/executor.ts'
import { random } from '../../src/core/random.ts'
import { openTfjsExecutor } from '../../src/engine/tfjs/index.ts'
import { openStaticExecutor } from '../../src/engine/wasm/index.ts'
import { initialWeights } from '../../src/training/initialise.ts'
import { randomFeed, SGD, searchNetwork } from './workload.ts'

const [name, ...numbers] = process.argv.slice(2)
const [channels, depth, size, batch, seconds, threads = 1] = numbers.map(Number)

const threaded = { threads, usefulThreads: () => threads }

const executors: Readonly<Record<string, () => Promise<Executor>>> = {
  static: () => openStaticExecutor(threaded),
  'static-fused': () => openStaticExecutor({ fastMath: true, ...threaded }),
  tfjs: () => openTfjsExecutor('wasm'),
  tensorflow: () => openTfjsExecutor('tensorflow'),
}

async function timed(work: () => Promise<unknown>): Promise<{ wallMs: number; cpuMs: number }> {
  const start = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 }
}

const executor = await executors[name]()
const network = searchNetwork(channels, depth, size)
const executable = await executor.compile(network, { batchSize: batch })
executable.weights.write(initialWeights(network, random(0, 'weights')))
const feed = randomFeed(network, batch)

const end = performance.now() + 1000 * seconds
while (performance.now() < end) {
  const weights = await timed(() => executable.step(feed, { kind: 'cross-entropy' }, SGD))
  await executable.takeTally()
  const architecture = await timed(() =>
    executable.gradient(feed, { kind: 'cross-entropy' }, { coefficients: true }, 'train'),
  )
  console.log(JSON.stringify({ weights, architecture }))
}
console.log(JSON.stringify({ memoryMb: process.resourceUsage().maxRSS / 1024 }))

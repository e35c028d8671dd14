/**
 * What fusing is worth, inside TensorFlow.js and outside: processor time of a weight step of the NAS-Bench-201 search
 * network, and how much of it is spent in kernels, on
 *
 * - TensorFlow.js' WebAssembly backend with our gradient kernels (src/engine/tfjs/kernels),
 * - TensorFlow.js on libtensorflow, with batch normalisation and ReLU gradients composed of several kernels each,
 * - the same with those fused into registered kernels of one call each,
 * - the static executor, which is no part of TensorFlow.js: a list of kernel calls made once.
 *
 *     npx jiti benchmarks/executor/fusedKernels.ts [CxNxSIZExBATCH] [SECONDS]
 *
 * Medians; one thread. The share in kernels is measured in steps of its own, as asking for the time takes time.
 */
import { cpus, loadavg } from 'node:os'
import * as tf from '@tensorflow/tfjs-core'
import type { Executor } from '../../src/core/executor.ts'
import { random } from '../../src/core/random.ts'
import { openTfjsExecutor } from '../../src/engine/tfjs/index.ts'
import { BATCH_NORM, BATCH_NORM_GRADIENT, RELU_GRADIENT } from '../../src/engine/tfjs/kernels/tensorflow.ts'
import { tensorflowPackage } from '../../src/engine/tfjs/packages.ts'
import { openStaticExecutor } from '../../src/engine/wasm/index.ts'
import { initialWeights } from '../../src/training/initialise.ts'
import { median, randomFeed, SGD, searchNetwork } from './workload.ts'

const [size = '4x1x8x64', seconds = '4'] = process.argv.slice(2)
const [channels, depth, side, batchSize] = size.split('x').map(Number)
process.env.TF_NUM_INTRAOP_THREADS = '1'

const network = searchNetwork(channels, depth, side)
const feed = randomFeed(network, batchSize)

/** Calls of kernels by TensorFlow.js itself, not by other kernels, and their processor milliseconds. */
const kernels = { calls: 0, milliseconds: 0 }
let watched = false

const processorMs = (since?: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

const engine = tf.engine()
const runKernel = engine.runKernel.bind(engine)
engine.runKernel = (...call) => {
  if (!watched) return runKernel(...call)
  watched = false
  const start = process.cpuUsage()
  const result = runKernel(...call)
  kernels.milliseconds += processorMs(start)
  kernels.calls++
  watched = true
  return result as never
}

async function report(name: string, executor: Executor): Promise<void> {
  const executable = await executor.compile(network, { batchSize })
  executable.weights.write(initialWeights(network, random(0, 'weights')))
  const step = async () => {
    const start = process.cpuUsage()
    await executable.step(feed, { kind: 'cross-entropy' }, SGD)
    await executable.takeTally()
    return processorMs(start)
  }
  const repeated = async () => {
    const times: number[] = []
    const end = performance.now() + 500 * Number(seconds)
    while (performance.now() < end || times.length < 3) times.push(await step())
    return times
  }
  await repeated()
  const total = median(await repeated())
  Object.assign(kernels, { calls: 0, milliseconds: 0 })
  watched = true
  const steps = (await repeated()).length
  watched = false
  executable.dispose()
  const inKernels = kernels.calls > 0 ? [kernels.calls / steps, kernels.milliseconds / steps] : []
  const [calls = '–', milliseconds = '–'] = inKernels.map((value, i) => value.toFixed(i))
  console.log(`| ${[name, total.toFixed(1), milliseconds, calls].join(' | ')} |`)
}

console.log(
  `${network.name}, ${side}×${side}, batch ${batchSize}; ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}\n`,
)
console.log('| | weight step, cpu ms | of it in kernels | kernels |\n|---|--:|--:|--:|')
await report('TensorFlow.js, WebAssembly', await openTfjsExecutor('wasm'))
if (tensorflowPackage() !== undefined) {
  const executor = await openTfjsExecutor('tensorflow')
  await report('TensorFlow.js, libtensorflow, fused', executor)
  for (const name of [RELU_GRADIENT, BATCH_NORM, BATCH_NORM_GRADIENT]) tf.unregisterKernel(name, 'tensorflow')
  await report('TensorFlow.js, libtensorflow, composed', executor)
}
await report('static plan, WebAssembly', await openStaticExecutor())

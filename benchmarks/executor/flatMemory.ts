/**
 * Memory over many steps of a search network, with paths switched on and off and batches of two sizes: the resident set
 * after every thousandth step.
 *
 *     npx jiti benchmarks/executor/flatMemory.ts [STEPS [BACKEND]]
 */
import { random } from '../../src/core/random.ts'
import { type BackendName, openExecutor } from '../../src/engine/index.ts'
import { initialWeights } from '../../src/training/initialise.ts'
import { imagesOf, randomBatch, SGD, searchNetwork } from './workload.ts'

const [steps = '5000', backend = 'wasm'] = process.argv.slice(2)

const executor = await openExecutor({ backend: backend as BackendName })
console.log(executor.name)
const network = searchNetwork(4, 1, 8)
const executable = await executor.compile(network, { batchSize: 64 })
executable.weights.write(initialWeights(network, random(0, 'weights')))
const stream = random(0, 'paths')
const batches = [64, 40].map((size) => randomBatch(imagesOf(8), size))
const coefficients = new Float64Array(network.coefficientCount).fill(0.2)

console.log('step     resident MB   array buffers MB')
for (let step = 0; step <= Number(steps); step++) {
  const active = Uint8Array.from(coefficients, () => stream.integer(2))
  const feed = { batch: batches[step % 2], coefficients, ...(step % 3 === 0 && { active }) }
  await executable.step(feed, { kind: 'cross-entropy' }, SGD)
  await executable.gradient(feed, { kind: 'cross-entropy' }, { coefficients: true }, 'train')
  if (step % 1000 > 0) continue
  const { rss, arrayBuffers } = process.memoryUsage()
  console.log([step, rss / 2 ** 20, arrayBuffers / 2 ** 20].map((value) => value.toFixed(0).padEnd(12)).join(' '))
}

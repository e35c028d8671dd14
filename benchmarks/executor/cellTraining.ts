/**
 * Training single NAS-Bench-201 cells one after the other, as a table is built: compiling, steps, a test pass,
 * disposal.
 *
 *     npx jiti benchmarks/executor/cellTraining.ts [CxNxSIZExBATCH] [CELLS] [STEPS]
 */
import type { Executor, SgdStep } from '../../src/core/executor.ts'
import { random } from '../../src/core/random.ts'
import { sample } from '../../src/core/space.ts'
import { openTfjsExecutor } from '../../src/engine/tfjs/index.ts'
import { openStaticExecutor } from '../../src/engine/wasm/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { initialWeights } from '../../src/training/initialise.ts'
import { imagesOf, median, randomBatch } from './workload.ts'

const [size = '4x1x8x64', cells = '6', steps = '40'] = process.argv.slice(2)
const [channels, depth, side, batchSize] = size.split('x').map(Number)
const SGD: SgdStep = { learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 5e-4, clipNorm: null }
const shape = imagesOf(side)

const batches = [0, 1, 2, 3].map((i) => randomBatch(shape, batchSize, `batch ${i}`))

interface Times {
  readonly compileMs: number
  readonly totalMs: number
}

/** Processor milliseconds of one training. */
async function train(executor: Executor, cell: number): Promise<Times> {
  const network = nb201.network(sample(nb201, random(cell, 'cell')), { shape, channels, depth })
  const start = process.cpuUsage()
  const executable = await executor.compile(network, { batchSize })
  executable.weights.write(initialWeights(network, random(cell, 'weights')))
  const compileMs = milliseconds(start)
  for (let step = 0; step < Number(steps); step++) {
    await executable.step({ batch: batches[step % batches.length] }, { kind: 'cross-entropy' }, SGD)
  }
  await executable.evaluate(
    batches.map((batch) => ({ batch })),
    'eval',
  )
  executable.dispose()
  return { compileMs, totalMs: milliseconds(start) }
}

function milliseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

const executors = [await openStaticExecutor(), await openTfjsExecutor('wasm')]
for (const executor of executors) await train(executor, 0)
const times = new Map(executors.map((executor) => [executor, [] as Times[]]))
for (let cell = 1; cell <= Number(cells); cell++) {
  for (const executor of cell % 2 === 0 ? executors : executors.toReversed()) {
    times.get(executor)?.push(await train(executor, cell))
  }
}
console.log(`C × N × size × batch = ${size}: ${cells} cells, ${steps} steps each, median processor ms of a training\n`)
const totals = executors.map((executor) => median((times.get(executor) ?? []).map(({ totalMs }) => totalMs)))
executors.forEach((executor, i) => {
  const compileMs = median((times.get(executor) ?? []).map((time) => time.compileMs))
  const ratio = (totals[i] / totals[0]).toFixed(2)
  console.log(
    `${executor.name.padEnd(12)} ${totals[i].toFixed(0)} ms, of which compiling ${compileMs.toFixed(1)} (× ${ratio})`,
  )
})

/**
 * Prints how many dispatches the WebGPU plans of the search and evaluation networks at full size have, how much memory
 * they need, and how many bytes of activations they read and write. Runs no step, so that an emulated GPU is enough.
 *
 *     npx jiti benchmarks/executor/gpuPlans.ts [--kernels]
 *
 * With `--kernels`, it prints the dispatches and bytes of each kernel, too.
 */
import { parseArgs } from 'node:util'
import type { Network } from '../../src/core/network.ts'
import { grouped } from '../../src/core/plainText.ts'
import { Device } from '../../src/engine/webgpu/device/device.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { type StepName, type Work, workOf } from './gpuWork.ts'
import { searchNetwork } from './workload.ts'

const { values: options } = parseArgs({ options: { kernels: { type: 'boolean', default: false } } })
const shape = { height: 32, width: 32, channels: 3, classes: 10 }
const batchNorm = { affine: false, track: true }
const evaluation = { shape, channels: 36, depth: 20, auxiliary: true, dropPath: true }

const plans: readonly (readonly [string, Network, number])[] = [
  ['NAS-Bench-201 search, C=16 N=5, batch 64', searchNetwork(16, 5, 32), 64],
  ['DARTS evaluation, 20 cells × 36, batch 96', darts.network(darts.parse('DARTS_V2'), evaluation), 96],
  ['DARTS search, C=16, 8 cells, batch 64', darts.supernet({ shape, channels: 16, depth: 8, batchNorm }), 64],
]

const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2)

function printKernels(title: string, { dispatches }: Work): void {
  const rows = [...new Set(dispatches.map(({ kernel }) => kernel))].map((kernel) => {
    const own = dispatches.filter((dispatch) => dispatch.kernel === kernel)
    return { kernel, count: own.length, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) }
  })
  console.log(`\n${title}\n`)
  for (const { kernel, count, bytes } of rows.toSorted((a, b) => b.bytes - a.bytes)) {
    console.log(`${kernel.padEnd(32)}${String(count).padStart(6)}${gigabytes(bytes).padStart(9)} GB`)
  }
}

const device = await Device.open()
console.log(`${device.bindings} storage buffers a kernel`)
console.log('| network | dispatches, weight / architecture step | memory | activations read and written |')
console.log('|---|--:|--:|--:|')
for (const [title, network, batchSize] of plans) {
  const steps: readonly StepName[] = ['weights', 'architecture']
  const works = steps.map((step) => workOf(device, network, batchSize, step))
  const dispatches = works.map((work) => grouped(work.dispatches.length)).join(' / ')
  const bytes = works.map((work) => gigabytes(work.bytes)).join(' / ')
  console.log(`| ${title} | ${dispatches} | ${gigabytes(works[0].memory)} GB | ${bytes} GB |`)
  if (options.kernels) for (const [i, work] of works.entries()) printKernels(`${title}, ${steps[i]}`, work)
}
device.gpu.destroy()

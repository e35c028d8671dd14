/** Measures the peak of a GPU with two small kernels: bytes moved and single-precision operations per second. */
import type { Device } from '../../src/engine/webgpu/device/device.ts'
import { defineKernel, type Kernel } from '../../src/engine/webgpu/device/kernel.ts'
import { RunNumbers } from '../../src/engine/webgpu/device/transfers.ts'

const THREADS = 256
const ROUNDS = 512
/** Number of independent chains of multiply-adds in each thread. */
const CHAINS = 8

/** Kernel: copies one buffer to another. */
const copy = defineKernel({
  name: 'peak copy',
  buffers: { input: 'read vec4f', output: 'write vec4f' },
  args: ['quads'],
  code: `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < args.quads; i += groups.x * ${THREADS}u) { output[i] = input[i]; }
}`,
})

/** Returns the WGSL of `text` for each chain, as lines. */
const chains = (text: (i: number) => string) => Array.from({ length: CHAINS }, (_, i) => text(i)).join('\n')

/** Kernel: multiply-adds in registers, `CHAINS` chains of `ROUNDS` operations on vectors of four. */
const multiplyAdd = defineKernel({
  name: 'peak multiply-add',
  buffers: { input: 'read vec4f', output: 'write vec4f' },
  args: ['quads'],
  code: `
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = input[id.x % args.quads];
  let b = input[(id.x + 1u) % args.quads];
  ${chains((i) => `var x${i} = a + ${i}.0;`)}
  for (var round = 0u; round < ${ROUNDS}u; round++) {
    ${chains((i) => `x${i} = x${i} * a + b;`)}
  }
  output[id.x % args.quads] = ${chains((i) => `x${i}`).replaceAll('\n', ' + ')};
}`,
})

/** The rates that the two kernels reach. */
export interface Peak {
  readonly bytesPerSecond: number
  readonly operationsPerSecond: number
}

/** Measures the peak of a device. @param megabytes size of the copied buffer, larger than the caches of the device */
export async function measurePeak(device: Device, megabytes: number): Promise<Peak> {
  const bytes = megabytes * 2 ** 20
  const quads = bytes / 16
  const groups = Math.min(65535, Math.ceil(quads / THREADS))
  const copied = await seconds(device, copy, bytes, groups)
  const multiplied = await seconds(device, multiplyAdd, bytes, groups)
  return {
    bytesPerSecond: (2 * bytes) / copied,
    operationsPerSecond: (groups * THREADS * ROUNDS * CHAINS * 4 * 2) / multiplied,
  }
}

/**
 * Measures the seconds of one dispatch: the best of five means, each over dispatches that take about 0.2 s together.
 */
async function seconds(device: Device, kernel: Kernel, bytes: number, groups: number): Promise<number> {
  const { pipeline, layout } = device.compile(kernel)
  const args = device.uniform(16)
  device.gpu.queue.writeBuffer(args, 0, Uint32Array.of(bytes / 16))
  const buffers = [new RunNumbers(device).buffer, args, device.buffer(bytes, 'a copy'), device.buffer(bytes, 'a copy')]
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }))
  const bindings = device.gpu.createBindGroup({ layout, entries })
  const once = async (count: number) => {
    const start = performance.now()
    device.submit((encoder) => {
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, bindings)
      for (let i = 0; i < count; i++) pass.dispatchWorkgroups(groups)
      pass.end()
    })
    await device.gpu.queue.onSubmittedWorkDone()
    return (performance.now() - start) / 1000 / count
  }
  const first = await once(1)
  const count = Math.max(1, Math.min(50, Math.floor(0.2 / first)))
  const found: number[] = []
  for (let i = 0; i < 5; i++) found.push(await once(count))
  for (const buffer of buffers) buffer.destroy()
  return Math.min(...found)
}

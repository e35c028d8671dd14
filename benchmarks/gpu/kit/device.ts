/**
 * Stage "device": names the GPU and its limits, runs one trivial kernel and checks its result, and measures the peak
 * bandwidth and arithmetic that two small kernels attain.
 *
 *     device MEGABYTES     (of the buffer that is copied)
 */
import { BenchError } from '../../../src/core/errors.ts'
import { Device } from '../../../src/engine/webgpu/device/device.ts'
import { describeGpu } from '../../../src/engine/webgpu/device/gpu.ts'
import { measurePeak } from '../../executor/gpuPeak.ts'
import { emit, runProgram } from './output.ts'
import { missingVulkan } from './vulkan.ts'

const COUNT = 64

/** Doubles 64 numbers on the device. @throws BenchError `failed` if the device returns something else */
async function runTrivialKernel({ gpu }: Device): Promise<void> {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage
  const code =
    '@group(0) @binding(0) var<storage, read_write> data: array<f32>;' +
    `@compute @workgroup_size(${COUNT}) fn main(@builtin(local_invocation_id) id: vec3u) { data[id.x] *= 2.0; }`
  const pipeline = gpu.createComputePipeline({
    layout: 'auto',
    compute: { module: gpu.createShaderModule({ code }), entryPoint: 'main' },
  })
  const data = gpu.createBuffer({ size: 4 * COUNT, usage: STORAGE | COPY_SRC | COPY_DST })
  const result = gpu.createBuffer({ size: 4 * COUNT, usage: MAP_READ | COPY_DST })
  const numbers = Float32Array.from({ length: COUNT }, (_, i) => i + 0.5)
  gpu.queue.writeBuffer(data, 0, numbers)
  const encoder = gpu.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  const entries = [{ binding: 0, resource: { buffer: data } }]
  pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
  pass.dispatchWorkgroups(1)
  pass.end()
  encoder.copyBufferToBuffer(data, 0, result, 0, 4 * COUNT)
  gpu.queue.submit([encoder.finish()])
  await result.mapAsync(GPUMapMode.READ)
  const found = new Float32Array(result.getMappedRange().slice(0))
  if (found.some((value, i) => value !== 2 * numbers[i])) {
    throw new BenchError('failed', `the device doubled 0.5, 1.5, 2.5, … to ${found.slice(0, 3).join(', ')}, …`)
  }
}

await runProgram(async () => {
  const description = await describeGpu()
  if (description === undefined) throw new BenchError('unsupported', missingVulkan())
  const device = await Device.open()
  const limits = Object.fromEntries(
    // The limits are getters of the prototype.
    Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(device.gpu.limits)))
      .map((name) => [name, device.gpu.limits[name as keyof GPUSupportedLimits]] as const)
      .filter(([, value]) => typeof value === 'number'),
  )
  emit({ device: description.name, emulated: description.isSoftware, limits, features: [...device.gpu.features] })
  await runTrivialKernel(device)
  emit({ trivialKernel: 'right' })
  emit({ peak: await measurePeak(device, Number(process.argv[2])) })
})

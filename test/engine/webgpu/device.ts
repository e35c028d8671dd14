/** The device that these tests run on: a GPU, or its emulation by SwiftShader (see docs/backends.md). */
import { afterAll } from 'vitest'
import type { Executor } from '../../../src/core/executor.ts'
import { describeGpu } from '../../../src/engine/gpu.ts'
import { Device } from '../../../src/engine/webgpu/device.ts'
import { openWebgpuExecutor } from '../../../src/engine/webgpu/index.ts'

/** Whether there is a device; where there is none, says so. */
export async function hasDevice(): Promise<boolean> {
  const gpu = await describeGpu()
  if (gpu === undefined) console.warn('skipped: WebGPU finds no adapter; see docs/backends.md for SwiftShader')
  return gpu !== undefined
}

/** An executor on a device that goes when the file's tests are done. */
export async function openExecutor(): Promise<Executor> {
  const device = await Device.open()
  afterAll(() => device.gpu.destroy())
  return openWebgpuExecutor({ device })
}

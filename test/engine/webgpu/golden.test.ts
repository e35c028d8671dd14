/** The static executor on WebGPU against PyTorch in float64. */
import { describe } from 'vitest'
import { openWebgpuExecutor } from '../../../src/engine/webgpu/index.ts'
import { describeGoldenCases } from '../golden/index.ts'
import { hasDevice } from './device.ts'

describe.runIf(await hasDevice())('on WebGPU', () => {
  describeGoldenCases(() => openWebgpuExecutor())
})

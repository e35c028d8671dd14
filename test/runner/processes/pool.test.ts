import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { cudaDevices } from '../../../src/runner/processes/orders.ts'
import { workerEnvironment } from '../../../src/runner/processes/pool.ts'

afterEach(() => vi.unstubAllEnvs())

test('TensorFlow uses the threads of its worker process', () => {
  vi.stubEnv('TF_NUM_INTRAOP_THREADS', undefined)
  expect(workerEnvironment({ backend: 'tensorflow', threads: 3 })).toHaveProperty('TF_NUM_INTRAOP_THREADS', '3')
})

test('variables that the user has set win', () => {
  vi.stubEnv('TF_NUM_INTRAOP_THREADS', '7')
  vi.stubEnv('UV_THREADPOOL_SIZE', '9')
  expect(workerEnvironment({ backend: 'tensorflow', threads: 3 })).toMatchObject({
    TF_NUM_INTRAOP_THREADS: '7',
    UV_THREADPOOL_SIZE: '9',
  })
})

test('a process gets one GPU and allocates its memory as needed', () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '3,5')
  expect(workerEnvironment({ backend: 'tensorflow' }, { CUDA_VISIBLE_DEVICES: '5' })).toMatchObject({
    CUDA_VISIBLE_DEVICES: '5',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  })
})

test('the GPUs are those of CUDA_VISIBLE_DEVICES, else those of the driver', () => {
  const root = mkdtempSync(join(tmpdir(), 'bench-gpus-'))
  for (const bus of ['0000:3b:00.0', '0000:af:00.0'])
    mkdirSync(join(root, 'proc/driver/nvidia/gpus', bus), { recursive: true })
  expect(cudaDevices({}, root)).toEqual(['0', '1'])
  expect(cudaDevices({ CUDA_VISIBLE_DEVICES: 'GPU-8a3f,GPU-77b1' }, root)).toEqual(['GPU-8a3f', 'GPU-77b1'])
  expect(cudaDevices({ CUDA_VISIBLE_DEVICES: '' }, root)).toEqual([])
  expect(cudaDevices({}, join(root, 'nowhere'))).toEqual([])
  rmSync(root, { recursive: true })
})

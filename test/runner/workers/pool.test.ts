import { afterEach, expect, test, vi } from 'vitest'
import { workerEnvironment } from '../../../src/runner/workers/pool.ts'

afterEach(() => vi.unstubAllEnvs())

test('libtensorflow has the threads of its process', () => {
  vi.stubEnv('TF_NUM_INTRAOP_THREADS', undefined)
  expect(workerEnvironment({ backend: 'tensorflow', threads: 3 })).toHaveProperty('TF_NUM_INTRAOP_THREADS', '3')
})

test('what the user’s environment says goes before', () => {
  vi.stubEnv('TF_NUM_INTRAOP_THREADS', '7')
  vi.stubEnv('UV_THREADPOOL_SIZE', '9')
  expect(workerEnvironment({ backend: 'tensorflow', threads: 3 })).toMatchObject({
    TF_NUM_INTRAOP_THREADS: '7',
    UV_THREADPOOL_SIZE: '9',
  })
})

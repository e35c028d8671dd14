/** Opening an executor by the names that a user types. Heavy modules load here, at the call, and nowhere earlier. */
import type { Executor } from '../core/executor.ts'
import { unknownName } from '../core/names.ts'

/** The backends of TensorFlow.js, or the best that this machine has. */
export type BackendName = 'auto' | 'wasm' | 'webgpu' | 'tensorflow' | 'cpu'

export const backendNames: readonly BackendName[] = ['auto', 'tensorflow', 'webgpu', 'wasm', 'cpu']

export interface ExecutorOptions {
  readonly backend: BackendName
}

export async function openExecutor({ backend }: ExecutorOptions): Promise<Executor> {
  if (!backendNames.includes(backend)) throw unknownName('backend', backend, backendNames)
  const { openTfjsExecutor } = await import('./tfjs/executor.ts')
  return openTfjsExecutor(backend === 'auto' ? 'wasm' : backend)
}

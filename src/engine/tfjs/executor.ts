/** The TensorFlow.js executor: interprets a network layer by layer. The reference that every other must agree with. */
import type { Executor } from '../../core/executor.ts'
import { type Backend, isDeterministic } from '../backendChoice.ts'
import { untilDisposed } from '../disposal.ts'
import { checkPoolings } from '../executable.ts'
import { onBackend } from './backend.ts'
import { computesOnGpu, initialiseBackend } from './backends.ts'
import { TfjsExecutable } from './executable.ts'

/** @throws BenchError `unsupported` that says what to install */
export async function openTfjsExecutor(backend: Backend): Promise<Executor> {
  await initialiseBackend(backend)
  return {
    name: `tfjs/${backend}`,
    arithmetic: isDeterministic(backend) ? 'deterministic' : 'device',
    onGpu: await computesOnGpu(backend),
    async compile(network, { batchSize }) {
      checkPoolings(network)
      return untilDisposed(new TfjsExecutable(network, batchSize, onBackend(backend)))
    },
  }
}

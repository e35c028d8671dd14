/** The TensorFlow.js executor: interprets a network layer by layer. The reference that every other must agree with. */
import { BenchError } from '../../core/errors.ts'
import type { Executor } from '../../core/executor.ts'
import type { Network } from '../../core/network.ts'
import { type Backend, isDeterministic } from '../backendChoice.ts'
import { untilDisposed } from '../disposal.ts'
import { onBackend } from './backend.ts'
import { computesOnGpu, initialiseBackend } from './backends.ts'
import { TfjsExecutable } from './executable.ts'

/** @throws BenchError `unsupported` that says what to install */
export async function openTfjsExecutor(backend: Backend): Promise<Executor> {
  await initialiseBackend(backend)
  return {
    name: `tfjs/${backend}`,
    deterministic: isDeterministic(backend),
    onGpu: await computesOnGpu(backend),
    async compile(network, { batchSize }) {
      checkSupported(network)
      return untilDisposed(new TfjsExecutable(network, batchSize, onBackend(backend)))
    },
  }
}

function checkSupported(network: Network): void {
  for (const layer of network.layers) {
    if ((layer.kind === 'avgPool' || layer.kind === 'maxPool') && layer.window.dilation !== 1) {
      throw new BenchError(
        'unsupported',
        `${network.name}: pooling with dilation ${layer.window.dilation}; only 1 is known`,
      )
    }
  }
}

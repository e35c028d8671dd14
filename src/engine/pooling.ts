/** What no executor can pool. */
import { BenchError } from '../core/errors.ts'
import type { Network } from '../core/network.ts'

/** @throws BenchError `unsupported` for a pooling with dilation */
export function checkPoolings({ name, layers }: Network): void {
  for (const layer of layers) {
    if ((layer.kind !== 'avgPool' && layer.kind !== 'maxPool') || layer.window.dilation === 1) continue
    throw new BenchError('unsupported', `${name}: pooling with dilation ${layer.window.dilation}; only 1 is known`)
  }
}

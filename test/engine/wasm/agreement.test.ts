/**
 * Compares the static executor with the TensorFlow.js executor, on networks with every kind of layer: with a quarter of the random
 * networks and one search network of DARTS, on which the reference is slow, or all in `npm run test:full`.
 */
import { it } from 'vitest'
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { full } from '../../support/full.ts'
import { describeAgreement } from '../agreement/index.ts'

const isQuick = (name: string): boolean =>
  name.startsWith('random network')
    ? Number(/\d+/.exec(name)) % 4 === 0
    : !name.startsWith('DARTS') || name.startsWith('DARTS search network: loss')

describeAgreement(
  () => openStaticExecutor(),
  (name, body) => it.runIf(full || isQuick(name))(name, body),
)

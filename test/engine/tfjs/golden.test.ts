/**
 * Tests the TensorFlow.js executor on WebAssembly against PyTorch's numbers in float64: every fourth case, or all in
 * `npm run test:full`. (The executor is the reference of other tests and no search's default.)
 */
import { it } from 'vitest'
import { openTfjsExecutor } from '../../../src/engine/tfjs/index.ts'
import { full } from '../../support/full.ts'
import { describeGoldenCases } from '../golden/index.ts'

let declared = 0
describeGoldenCases(
  () => openTfjsExecutor('wasm'),
  (name, body) => it.runIf(full || declared++ % 4 === 0)(name, body),
)

/** Tests the TensorFlow.js executor on WebAssembly against PyTorch's numbers in float64. */
import { openTfjsExecutor } from '../../../src/engine/tfjs/index.ts'
import { describeGoldenCases } from '../golden/index.ts'

describeGoldenCases(() => openTfjsExecutor('wasm'))

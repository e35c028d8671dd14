/** Tests the static executor against PyTorch's numbers in float64. */
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { describeGoldenCases } from '../golden/index.ts'

describeGoldenCases(() => openStaticExecutor())

/** The static executor against PyTorch in float64. */
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { describeGoldenCases } from '../golden/index.ts'

describeGoldenCases(() => openStaticExecutor())

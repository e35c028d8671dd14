/** The static executor against the TensorFlow.js one, on networks of every layer kind. */
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { describeAgreement } from '../agreement/index.ts'

describeAgreement(() => openStaticExecutor())

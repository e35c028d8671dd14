/** Compares the static executor with the TensorFlow.js executor, on networks with every kind of layer. */
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { describeAgreement } from '../agreement/index.ts'

describeAgreement(() => openStaticExecutor())

/** The static executor keeps what every executor promises. */
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { describeExecutorContract } from '../contract/index.ts'

describeExecutorContract(() => openStaticExecutor())

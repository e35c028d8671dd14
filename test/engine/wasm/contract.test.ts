/** Tests the static executor against the contract of executors. */
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { describeExecutorContract } from '../contract/index.ts'
import { describeObservedActivations } from '../contract/observed.ts'

describeExecutorContract(() => openStaticExecutor())
describeObservedActivations(() => openStaticExecutor())

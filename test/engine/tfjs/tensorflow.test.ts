/**
 * The TensorFlow.js executor on libtensorflow keeps every executor's promises and agrees with PyTorch in float64. Runs
 * where @tensorflow/tfjs-node is installed with its native part (docs/backends.md).
 */
import { describe } from 'vitest'
import { tensorflowPackage } from '../../../src/engine/backendChoice.ts'
import { openTfjsExecutor } from '../../../src/engine/tfjs/executor.ts'
import { describeExecutorContract } from '../contract/index.ts'
import { describeGoldenCases } from '../golden/index.ts'

const open = () => openTfjsExecutor('tensorflow')

describe.skipIf(tensorflowPackage() === undefined)('where @tensorflow/tfjs-node is installed', () => {
  describeExecutorContract(open)
  describeGoldenCases(open)
})

/** Tests the static executor against PyTorch's numbers in float64: without networks of many cells, or all in `npm run test:full`. */
import { it } from 'vitest'
import { openStaticExecutor } from '../../../src/engine/wasm/index.ts'
import { full } from '../../support/full.ts'
import { describeGoldenCases } from '../golden/index.ts'

describeGoldenCases(
  () => openStaticExecutor(),
  (name, body) => it.runIf(full || !/of [45] cells|-l5/.test(name))(name, body),
)

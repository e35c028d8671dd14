/** All tests of an executor against the reference numbers of the PyTorch code. */
import { it } from 'vitest'
import type { Executor } from '../../../src/core/executor.ts'
import type { DeclareTest } from './declareTest.ts'
import { describeDiscreteNetworks } from './discreteNetworks.ts'
import { describeOperations } from './operations.ts'
import { describeOptimiser } from './optimiser.ts'
import { describeSearchNetworks } from './searchNetworks.ts'
import { describeSecondOrder } from './secondOrder.ts'

/**
 * Declares the tests; call it at the top level of a test file.
 *
 * @param check declares one test: `it`, or a function that skips some on slow devices
 */
export function describeGoldenCases(open: () => Promise<Executor>, check: DeclareTest = it): void {
  describeOperations(open, check)
  describeSearchNetworks(open, check)
  describeDiscreteNetworks(open, check)
  describeSecondOrder(open, check)
  describeOptimiser(open, check)
}

/** All golden cases, to be run against every executor. */
import { it } from 'vitest'
import type { Executor } from '../../../src/core/executor.ts'
import type { DeclareTest } from './declareTest.ts'
import { describeDiscreteNetworks } from './discreteNetworks.ts'
import { describeOperations } from './operations.ts'
import { describeOptimiser } from './optimiser.ts'
import { describeSearchNetworks } from './searchNetworks.ts'
import { describeSecondOrder } from './secondOrder.ts'

/**
 * Declares the tests; to be called at the top of a test file.
 *
 * @param check declares one: `it`, or what leaves out some where a device is too slow for all
 */
export function describeGoldenCases(open: () => Promise<Executor>, check: DeclareTest = it): void {
  describeOperations(open, check)
  describeSearchNetworks(open, check)
  describeDiscreteNetworks(open, check)
  describeSecondOrder(open, check)
  describeOptimiser(open, check)
}

/** All golden cases, to be run against every executor. */
import type { Executor } from '../../../src/core/executor.ts'
import { describeDiscreteNetworks } from './discreteNetworks.ts'
import { describeOperations } from './operations.ts'
import { describeOptimiser } from './optimiser.ts'
import { describeSearchNetworks } from './searchNetworks.ts'
import { describeSecondOrder } from './secondOrder.ts'

/** Declares the tests; to be called at the top of a test file. */
export function describeGoldenCases(open: () => Promise<Executor>): void {
  describeOperations(open)
  describeSearchNetworks(open)
  describeDiscreteNetworks(open)
  describeSecondOrder(open)
  describeOptimiser(open)
}

/** Runs a network under activation masks that were recorded while some paths were switched off. */
import type { Executor } from '../../src/core/executor.ts'
import { random } from '../../src/core/random.ts'
import { initialWeights } from '../../src/training/initialise.ts'
import { branching, branchingFeed } from './webgpu/branches.ts'

/**
 * Returns loss and gradients with all paths active, under two sets of masks: recorded with half of the paths switched
 * off, and recorded with the mixing weights of the same paths 0.
 */
export async function underMasksOfPaths(executor: Executor) {
  const network = branching()
  const executable = await executor.compile(network, { batchSize: 3 })
  executable.weights.write(initialWeights(network, random(6, 'weights')))
  const all = branchingFeed(network, 3, () => true)
  const half = branchingFeed(network, 3, (coefficient) => coefficient % 2 === 1)
  const zeroed = { ...all, coefficients: all.coefficients?.map((value, i) => (i % 2 === 1 ? value : 0)) }
  const found = []
  for (const feed of [half, zeroed]) {
    await executable.evaluate([branchingFeed(network, 3, (coefficient) => coefficient % 3 === 0)], 'probe')
    const activationMasks = executable.activationMasks?.(feed)
    const weights = executable.vector()
    const want = { coefficients: true, weights }
    const { loss, coefficients } = await executable.gradient(
      { ...all, activationMasks },
      { kind: 'cross-entropy' },
      want,
      'probe',
    )
    found.push({ loss, coefficients, gradient: await weights.read() })
    activationMasks?.dispose()
  }
  executable.dispose()
  return { whereOff: found[0], whereZero: found[1] }
}

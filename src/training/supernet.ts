/** Implements the supernet contract on any executor, and builds feeds from batches and mixing weights. */
import type { Batch } from '../core/data.ts'
import { BenchError } from '../core/errors.ts'
import type { Executable, Executor, Feed, Mode, Objective, SgdStep, WeightVector } from '../core/executor.ts'
import {
  coefficientLayout,
  flattenActive,
  flattenMixing,
  type Mixing,
  type MixingGradient,
  unflattenGradient,
} from '../core/mixing.ts'
import type { Network } from '../core/network.ts'
import { requireFiniteNumbers } from '../core/numbers.ts'
import type { RandomStream } from '../core/random.ts'
import type { Edge } from '../core/space.ts'
import type { Supernet } from '../core/supernet.ts'
import { withOverrides } from '../engine/plan/executable.ts'
import { droppingPaths } from './dropPath.ts'
import { requireFiniteResults } from './finite.ts'
import { initialWeights } from './initialise.ts'

export interface SupernetRequest {
  readonly executor: Executor
  readonly network: Network
  /** Edges of the search space, one for each row of the matrix of mixing weights. */
  readonly edges: readonly Edge[]
  /** Largest number of images in a batch that the supernet computes. */
  readonly batchSize: number
  /** Random stream from which the supernet's initial weights are drawn. */
  readonly stream: RandomStream
  /** Weight of each class in the loss of steps and gradients; absent: all 1. */
  readonly classWeights?: readonly number[]
  /** Called before each SGD step. */
  readonly onStep?: (sgd: SgdStep) => void
  /** Returns the current probability of dropping an edge of the supernet for a sample; absent: no edge is dropped. */
  readonly dropProbability?: () => number
}

const CROSS_ENTROPY: Objective = { kind: 'cross-entropy' }

/** Compiles and initialises a search network. Its calls throw NotFiniteError at the first number that is not finite. */
export async function createSupernet(request: SupernetRequest): Promise<Supernet> {
  const { executor, network, edges, batchSize, stream, dropProbability, classWeights, onStep } = request
  const plain = await executor.compile(network, { batchSize })
  const compiled = classWeights === undefined ? plain : weightingClasses(plain, classWeights)
  const dropping = dropProbability === undefined ? compiled : droppingPaths(compiled, dropProbability)
  const heard = onStep === undefined ? dropping : listeningToSteps(dropping, onStep)
  const executable = requireFiniteResults(heard)
  executable.weights.write(initialWeights(network, stream))
  return supernetOver(executable, edges)
}

/** Returns an executable that tells a listener of each SGD step before it is taken. */
const listeningToSteps = (executable: Executable, onStep: (sgd: SgdStep) => void): Executable =>
  withOverrides(executable, {
    step(feed, objective, sgd) {
      onStep(sgd)
      return executable.step(feed, objective, sgd)
    },
  })

/** Returns an executable whose steps and gradients weight the classes in every cross-entropy; evaluations do not. */
function weightingClasses(executable: Executable, classWeights: readonly number[]): Executable {
  const weighted = (objective: Objective): Objective =>
    objective.kind === 'cross-entropy' ? { classWeights, ...objective } : objective
  return withOverrides(executable, {
    gradient: (feed, objective, want, mode) => executable.gradient(feed, weighted(objective), want, mode),
    step: (feed, objective, sgd) => executable.step(feed, weighted(objective), sgd),
  })
}

function supernetOver(executable: Executable, edges: readonly Edge[]): Supernet {
  const { coefficientCount } = executable.network
  const { count } = coefficientLayout(edges.map((edge) => edge.operations.length))
  const hasAuxiliary = coefficientCount === count + edges.length
  const feed = (batch: Batch, mixing: Mixing): Feed => {
    checkMixing(mixing, edges)
    return feedOf(batch, hasAuxiliary ? { auxiliary: 0, ...mixing } : mixing)
  }
  return {
    executable,
    get weights() {
      return executable.weights
    },
    get momentum() {
      return executable.momentum
    },
    vector: () => executable.vector(),
    step: async (batch, mixing, sgd) => executable.step(feed(batch, mixing), CROSS_ENTROPY, sgd),
    takeTally: () => executable.takeTally(),
    async gradient(batch, mixing, { weights, mode = 'train' } = {}) {
      const want = { coefficients: true, ...(weights && { weights }) }
      const { coefficients = [], ...tally } = await executable.gradient(feed(batch, mixing), CROSS_ENTROPY, want, mode)
      return { ...tally, mixing: unflattenGradient(coefficients, mixing) }
    },
    evaluate: (batches, mixing, mode = 'probe') => executable.evaluate(feeds(batches, mixing), mode),
    dispose: () => executable.dispose(),
  }

  async function* feeds(batches: Iterable<Batch> | AsyncIterable<Batch>, mixing: Mixing): AsyncGenerator<Feed> {
    for await (const batch of batches) yield feed(batch, mixing)
  }
}

function checkMixing({ theta, edgeWeights, cells = [] }: Mixing, edges: readonly Edge[]): void {
  requireFiniteNumbers(theta, 'mixing weight theta')
  for (const cell of cells) requireFiniteNumbers(cell.theta ?? [], 'mixing weight of a cell')
  requireFiniteNumbers(edgeWeights, 'mixing weight edgeWeights')
  const found = theta.map((row) => row.length)
  const expected = edges.map((edge) => edge.operations.length)
  if (found.join() === expected.join()) return
  throw new BenchError(
    'bad-input',
    `mixing rows of ${found.join(', ')} operations; the edges have ${expected.join(', ')}`,
  )
}

/** Builds the executor's input (`Feed`) from a batch and mixing weights. */
export function feedOf(batch: Batch, mixing: Mixing): Feed {
  const active = flattenActive(mixing)
  return { batch, coefficients: flattenMixing(mixing), ...(active && { active }) }
}

/**
 * Computes the gradient of the objective with respect to the mixing weights, with batch statistics.
 * @param weights overwritten with ∂objective/∂w
 * @param mode `train` updates running statistics; `probe`, the default, updates nothing
 */
export async function mixingGradient(
  executable: Executable,
  feed: Feed,
  mixing: Mixing,
  objective: Objective,
  weights?: WeightVector,
  mode: Mode = 'probe',
): Promise<MixingGradient> {
  const want = { coefficients: true, ...(weights && { weights }) }
  const { coefficients = [] } = await executable.gradient(feed, objective, want, mode)
  return unflattenGradient(coefficients, mixing)
}

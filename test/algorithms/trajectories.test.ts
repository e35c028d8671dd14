import { expect, test } from 'vitest'
import { tinyData, tinyProtocol } from '../../src/algorithms/contract/tinyTask.ts'
import { builtinAlgorithms } from '../../src/algorithms/index.ts'
import type { Algorithm, SearchContext } from '../../src/core/algorithm.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { full } from '../support/full.ts'

const EPOCHS = 3

/** Options under which a method shows its own steps within three epochs of two steps. */
const options: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  rsps: { candidates: 2, rankingImages: 4 },
  setn: { candidates: 2, rankingImages: 4 },
  enas: { candidates: 2, rankingImages: 4, controllerSteps: 1, samplesPerStep: 2 },
  oles: { window: 1 },
  'darts-pt': { tune: 0 },
}

/** Runs three epochs of a search on the tiny task. → losses and architecture parameters of each, as text */
async function trajectoryOf(algorithm: Algorithm): Promise<string> {
  const space = ((algorithm.spaces?.includes('nb201') ?? true) ? nb201 : darts) as unknown as SearchSpace
  const protocol = tinyProtocol(space, EPOCHS)
  const { channels, depth, affine, track } = protocol.network
  const data = tinyData(0, 2)
  const executor = await openExecutor({ backend: 'wasm' })
  const context = {
    ...{ space, protocol, seed: 0 },
    random: (...path: (string | number)[]) => random(0, ...path),
    data: async () => data,
    supernet: async (given: object = {}) =>
      createSupernet({
        executor,
        network: space.supernet({ shape: data.shape, channels, depth, batchNorm: { affine, track }, ...given }),
        edges: space.edges,
        batchSize: protocol.batchSize,
        stream: random(0, 'weights', 'start'),
      }),
  } as unknown as SearchContext
  const search = await algorithm.search(context, algorithm.options.parse(options[algorithm.name] ?? {}))
  const epochs: unknown[] = []
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const { trainLoss, validLoss, parameters } = await search.epoch(epoch)
    epochs.push({ trainLoss, validLoss, parameters })
  }
  search.dispose()
  return JSON.stringify(epochs)
}

/**
 * These train alike. DARTS-PT and DARTS+ are first-order DARTS, and differ in when they end and how they answer. R-DARTS
 * is second-order DARTS, and the first of its four searches has the weight decay of the protocol.
 */
const ALIKE: readonly (readonly string[])[] = [
  ['darts-v1', 'darts-pt', 'darts-plus'],
  ['darts-v2', 'r-darts'],
]

test.runIf(full)(
  'after three epochs on one seed no two methods have equal trajectories, but those that train as DARTS',
  async () => {
    const methods = (Object.values(builtinAlgorithms) as Algorithm[]).filter(({ kind }) => kind === 'supernet')
    const names = new Map<string, string[]>()
    for (const algorithm of methods) {
      const trajectory = await trajectoryOf(algorithm)
      names.set(trajectory, [...(names.get(trajectory) ?? []), algorithm.name])
    }
    const alike = [...names.values()].filter((group) => group.length > 1)
    expect(alike).toEqual(ALIKE)
  },
)

import { describe, expect, it } from 'vitest'
import { tinyData, tinyProtocol } from '../../src/algorithms/contract/tinyTask.ts'
import { dartsV1 } from '../../src/algorithms/darts.ts'
import { oles } from '../../src/algorithms/oles.ts'
import { gradientMatching, parameterGroups } from '../../src/algorithms/shared/weightSteps.ts'
import type { SearchContext } from '../../src/core/algorithm.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import type { Supernet } from '../../src/core/supernet.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'

const group = { name: 'cell0.edge0-1.op', tensors: [{ from: 2, size: 6, shape: [1, 1, 2, 3] }] }
const at = (...values: number[]) => Float32Array.from([9, 9, ...values, 9])

describe('the gradient matching score', () => {
  it('is 1 for gradients along one line, −1 for opposite ones and 0 for orthogonal or vanishing ones', () => {
    const a = at(1, 2, 3, -1, 0, 1)
    expect(gradientMatching(group, a, at(2, 4, 6, -5, 0, 5))).toBeCloseTo(1, 6)
    expect(gradientMatching(group, a, at(-1, -2, -3, 1, 0, -1))).toBeCloseTo(-1, 6)
    expect(gradientMatching(group, a, at(-2, 1, 0, 0, 1, 0))).toBeCloseTo(0, 6)
    expect(gradientMatching(group, a, at(0, 0, 0, 0, 0, 0))).toBe(0)
  })

  it('is a mean over filter positions, of vectors along the output channels, then over tensors', () => {
    const a = at(1, 0, 0, 0, 1, 0)
    expect(gradientMatching(group, a, at(1, 0, 0, 1, 0, 0))).toBeCloseTo(0.5, 6)
    const two = { ...group, tensors: [group.tensors[0], { from: 0, size: 2, shape: [2] }] }
    expect(gradientMatching(two, a, at(1, 0, 0, 1, 0, 0))).toBeCloseTo(0.75, 6)
  })
})

const executor = openExecutor({ backend: 'wasm' })

async function searching(options: Record<string, unknown>, algorithm: typeof oles | typeof dartsV1 = oles) {
  const data = tinyData(0, 4)
  const space = nb201 as unknown as SearchSpace
  let net: Supernet | undefined
  const context = {
    ...{ space, seed: 0, protocol: tinyProtocol(space, 3), data: async () => data },
    random: (...path: (string | number)[]) => random(0, ...path),
    async supernet() {
      const network = space.supernet({
        shape: data.shape,
        channels: 4,
        depth: 1,
        batchNorm: { affine: false, track: true },
      })
      net = await createSupernet({
        ...{ executor: await executor, network, edges: space.edges, batchSize: 4, stream: random(0) },
      })
      return net
    },
  } as unknown as SearchContext
  const search = await algorithm.search(context, algorithm.options.parse(options) as never)
  return { search, net: net as Supernet }
}

describe('OLES', () => {
  it('is DARTS, up to rounding, while no operation is frozen', async () => {
    const [own, plain] = [await searching({ threshold: -1 }), await searching({}, dartsV1)]
    for (let epoch = 0; epoch < 2; epoch++) {
      const [{ parameters, extra, trainLoss }, expected] = [
        await own.search.epoch(epoch),
        await plain.search.epoch(epoch),
      ]
      const close = expected.parameters?.map((row) => row.map((value) => expect.closeTo(value, 4)))
      expect(parameters).toEqual(close)
      expect(trainLoss).toBeCloseTo(expected.trainLoss as number, 4)
      expect(extra).toEqual({ frozenOperations: 0 })
    }
    for (const { search } of [own, plain]) search.dispose()
  })

  it('compares the sum of both gradients, which freezes later than that of validation alone, as the paper has it', async () => {
    // Gradients with nothing in common have the cosine 0 alone, and 0.71 in the sum at equal length.
    const frozen = async (compared: string) => {
      const { search } = await searching({ compared, threshold: 0.4, window: 1 })
      const { extra } = await search.epoch(0)
      search.dispose()
      return extra?.frozenOperations
    }
    expect(await frozen('sum')).toBeLessThan((await frozen('validation')) as number)
  })

  it('never moves the weights of a frozen operation again, and goes on with all others and with α', async () => {
    const { search, net } = await searching({ threshold: 1, window: 2 })
    const { extra, parameters } = await search.epoch(0)
    const groups = parameterGroups(net.executable.network)
    expect(extra).toEqual({ frozenOperations: groups.length })
    const before = await net.weights.read()
    const later = await search.epoch(1)
    const after = await net.weights.read()
    for (const { from, size } of groups.flatMap(({ tensors }) => tensors)) {
      expect(after.subarray(from, from + size)).toEqual(before.subarray(from, from + size))
    }
    expect(after).not.toEqual(before)
    expect(later.parameters).not.toEqual(parameters)
    search.dispose()
  })

  it('remembers in a checkpoint within a window, with the weight step first, too', async () => {
    const [whole, first, second] = [1, 2, 3].map(() => searching({ threshold: 0.9, window: 3 }))
    const expected = []
    for (let epoch = 0; epoch < 3; epoch++) expected.push(await (await whole).search.epoch(epoch))
    await (await first).search.epoch(0)
    await (await second).search.restore(structuredClone(await (await first).search.save()))
    for (let epoch = 1; epoch < 3; epoch++) expect(await (await second).search.epoch(epoch)).toEqual(expected[epoch])
    expect(expected[2].extra?.frozenOperations).toBeGreaterThan(0)
    for (const each of [whole, first, second]) (await each).search.dispose()
  })
})

import { describe, expect, it } from 'vitest'
import { tinyData } from '../../../src/algorithms/contract/tinyTask.ts'
import { softmaxRelaxation } from '../../../src/algorithms/distributions/categorical.ts'
import { clearGroups, descend, parameterGroups } from '../../../src/algorithms/shared/weightSteps.ts'
import { normalMatrix } from '../../../src/core/mixing.ts'
import { parameterCount } from '../../../src/core/network.ts'
import { random } from '../../../src/core/random.ts'
import { openExecutor } from '../../../src/engine/index.ts'
import { darts } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../../src/training/supernet.ts'

const shape = { height: 8, width: 8, channels: 3, classes: 4 }
const batchNorm = { affine: false, track: true }
const network = nb201.supernet({ shape, channels: 4, depth: 1, batchNorm })

async function supernet() {
  const executor = await openExecutor({ backend: 'wasm' })
  return createSupernet({ executor, network, edges: nb201.edges, batchSize: 4, stream: random(0) })
}

describe('a weight step by hand', () => {
  it.each([
    { clipNorm: null, nesterov: false },
    { clipNorm: 0.1, nesterov: false },
    { clipNorm: 5, nesterov: true },
  ])('moves the weights as the step of the executor does: %o', async (settings) => {
    const sgd = { learningRate: 0.05, momentum: 0.9, weightDecay: 3e-4, ...settings }
    const { mixing } = softmaxRelaxation.relax(normalMatrix([5, 5, 5, 5, 5, 5], 1, random(1)))
    const [whole, byHand] = [await supernet(), await supernet()]
    const { weights } = tinyData(0, 3)
    for (let i = 0; i < 3; i++) {
      const batch = await weights.batch(i)
      await whole.step(batch, mixing, sgd)
      const gradient = byHand.vector()
      await byHand.gradient(batch, mixing, { weights: gradient })
      await descend(byHand, gradient, sgd)
      gradient.dispose()
    }
    const [expected, found] = [await whole.weights.read(), await byHand.weights.read()]
    const furthest = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0)
    expect(furthest).toBeLessThan(1e-6)
    for (const each of [whole, byHand]) each.dispose()
  })
})

describe('the parameter groups of a supernet', () => {
  it('are the convolutions of each edge of each cell of NAS-Bench-201, and no other weights', async () => {
    const groups = parameterGroups(network)
    expect(groups).toHaveLength(3 * 6 * 2)
    expect(groups[0].name).toBe('cell0.edge0-1.nor_conv_1x1')
    const net = await supernet()
    net.weights.write(new Float32Array(parameterCount(network)).fill(1))
    await clearGroups(net.weights, groups)
    const values = await net.weights.read()
    net.dispose()
    const own = network.parameters.filter(({ name }) => name.includes('.edge'))
    const sizes = own.map(({ shape: extents }) => extents.reduce((product, extent) => product * extent, 1))
    expect(values.filter((value) => value === 0)).toHaveLength(sizes.reduce((sum, size) => sum + size, 0))
    expect(values.slice(0, 3 * 3 * 3 * 4)).toEqual(new Float32Array(108).fill(1))
  })

  it('are the operations with weights on the DARTS space, reductions included', () => {
    const { parameters } = darts.supernet({ shape, channels: 4, depth: 3, batchNorm })
    const names = parameterGroups({ parameters } as typeof network).map(({ name }) => name)
    const inCell = (cell: number) => names.filter((name) => name.startsWith(`cell${cell}.`)).length
    expect(inCell(0)).toBe(14 * 4)
    // Skip connections of stride 2 are factorised reductions, which have weights.
    expect(inCell(1)).toBe(14 * 4 + 8)
  })
})

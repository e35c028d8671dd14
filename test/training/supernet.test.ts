import { describe, expect, it } from 'vitest'
import { random } from '../../src/core/random.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { randomBatch, randomTheta, searchNetwork } from '../engine/contract/smallNetworks.ts'

const SGD = { learningRate: 0.05, momentum: 0.9, nesterov: false, weightDecay: 3e-4, clipNorm: 5 }

const open = async () =>
  createSupernet({
    executor: await openExecutor({ backend: 'wasm' }),
    network: searchNetwork(),
    edges: nb201.edges,
    batchSize: 8,
    stream: random(0, 'weights'),
  })

describe('a search network', () => {
  const theta = randomTheta(random(0, 'theta'))

  it('learns a batch by heart, and says so in its tally', async () => {
    const supernet = await open()
    const batch = randomBatch(8, 'heart')
    const before = await supernet.evaluate([batch], { theta })
    for (let i = 0; i < 30; i++) await supernet.step(batch, { theta }, SGD)
    expect(await supernet.takeTally()).toMatchObject({ samples: 240 })
    const after = await supernet.evaluate([batch], { theta })
    expect(after.loss).toBeLessThan(before.loss / 4)
    expect(after.correct).toBe(8)
    supernet.dispose()
  })

  it('gives gradients in the shape of the mixing, and ∂loss/∂w where a vector is given', async () => {
    const supernet = await open()
    const weights = supernet.vector()
    const { mixing } = await supernet.gradient(randomBatch(8, 'a'), { theta }, { weights })
    expect(mixing.theta.map((row) => row.length)).toEqual([5, 5, 5, 5, 5, 5])
    expect(mixing.edgeWeights).toHaveLength(6)
    expect(await weights.norm()).toBeGreaterThan(0)
    supernet.dispose()
  })

  it('updates running statistics with a gradient, but not with a probe', async () => {
    const supernet = await open()
    const statistics = async () => (await supernet.executable.save()).statistics
    const start = await statistics()
    await supernet.gradient(randomBatch(8, 'a'), { theta }, { mode: 'probe' })
    await supernet.evaluate([randomBatch(8, 'b')], { theta })
    expect(await statistics()).toEqual(start)
    await supernet.gradient(randomBatch(8, 'a'), { theta })
    expect(await statistics()).not.toEqual(start)
    supernet.dispose()
  })

  it('refuses a mixing whose rows are not its edges', async () => {
    const supernet = await open()
    const step = supernet.step(randomBatch(8, 'a'), { theta: theta.slice(1) }, SGD)
    await expect(step).rejects.toThrow('mixing rows of 5, 5, 5, 5, 5 operations; the edges have 5, 5, 5, 5, 5, 5')
    supernet.dispose()
  })
})

import { describe, expect, it } from 'vitest'
import { random } from '../../src/core/random.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { randomBatch, randomTheta, searchNetwork } from '../engine/contract/smallNetworks.ts'

const SGD = { learningRate: 0.05, momentum: 0.9, nesterov: false, weightDecay: 3e-4, clipNorm: 5 }

const open = async (classWeights?: readonly number[]) =>
  createSupernet({
    classWeights,
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

  it('weights the classes in the loss of steps and gradients, and in no evaluation', async () => {
    const batch = randomBatch(8, 'a')
    const { classes } = searchNetwork()
    const rare = batch.labels[0]
    const classWeights = Array.from({ length: classes }, (_, label) => (label === rare ? 100 : 0.01))
    const [plain, weighted] = [await open(), await open(classWeights)]
    const lossOf = async (supernet: typeof plain) => (await supernet.gradient(batch, { theta }, { mode: 'probe' })).loss
    expect(new Set(batch.labels).size).toBeGreaterThan(1)
    expect(await lossOf(weighted)).not.toBeCloseTo(await lossOf(plain), 3)
    expect(await weighted.evaluate([batch], { theta })).toEqual(await plain.evaluate([batch], { theta }))
    const gradients = [plain.vector(), weighted.vector()]
    await plain.gradient(batch, { theta }, { weights: gradients[0], mode: 'probe' })
    await weighted.gradient(batch, { theta }, { weights: gradients[1], mode: 'probe' })
    expect(await gradients[1].read()).not.toEqual(await gradients[0].read())
    await weighted.step(batch, { theta }, SGD)
    await plain.step(batch, { theta }, SGD)
    expect((await weighted.takeTally()).loss).not.toBeCloseTo((await plain.takeTally()).loss, 3)
    for (const supernet of [plain, weighted]) supernet.dispose()
  })

  it('refuses a mixing whose rows are not its edges', async () => {
    const supernet = await open()
    const step = supernet.step(randomBatch(8, 'a'), { theta: theta.slice(1) }, SGD)
    await expect(step).rejects.toThrow('mixing rows of 5, 5, 5, 5, 5 operations; the edges have 5, 5, 5, 5, 5, 5')
    supernet.dispose()
  })
})

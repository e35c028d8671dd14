import { describe, expect, it } from 'vitest'
import { NetworkBuilder } from '../../src/core/networkBuilder.ts'
import { random } from '../../src/core/random.ts'
import { initialWeights } from '../../src/training/initialise.ts'

describe('initial weights', () => {
  const builder = new NetworkBuilder({ height: 4, width: 4, channels: 3 })
  const conv = builder.conv(builder.input, 50, { kernel: 3, padding: 1 }, 'conv')
  const features = builder.batchNorm(conv, { affine: true, track: false }, 'bn')
  const logits = builder.linear(builder.globalMean(features), 10, 'fc')
  const network = builder.build({ name: 'small', heads: [{ logits, lossWeight: 1 }], features })
  const weights = initialWeights(network, random(0, 'weights'))
  const filter = weights.subarray(0, 3 * 3 * 3 * 50)

  it('fill ±1/√fan-in evenly, as PyTorch starts convolutions', () => {
    const bound = 1 / Math.sqrt(3 * 3 * 3)
    expect(Math.max(...filter.map(Math.abs))).toBeLessThanOrEqual(bound)
    expect(Math.max(...filter)).toBeGreaterThan(0.99 * bound)
    const variance = filter.reduce((sum, value) => sum + value * value, 0) / filter.length
    expect(variance / (bound ** 2 / 3)).toBeCloseTo(1, 1)
  })

  it('start normalisations at scale 1 and shift 0', () => {
    expect([...weights.subarray(1350, 1400)]).toEqual(Array(50).fill(1))
    expect([...weights.subarray(1400, 1450)]).toEqual(Array(50).fill(0))
  })

  it('are the same for the same stream, and others for another', () => {
    expect(initialWeights(network, random(0, 'weights'))).toEqual(weights)
    expect(initialWeights(network, random(1, 'weights'))).not.toEqual(weights)
  })
})

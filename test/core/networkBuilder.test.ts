import { describe, expect, it } from 'vitest'
import { parameterCount } from '../../src/core/network.ts'
import { NetworkBuilder } from '../../src/core/networkBuilder.ts'

const builder = (height = 8, width = 8) => new NetworkBuilder({ height, width, channels: 3 })

describe('the network builder', () => {
  it.each([
    [8, { kernel: 3, padding: 1 }, 8],
    [8, { kernel: 3, stride: 2, padding: 1 }, 4],
    [7, { kernel: 3, stride: 2, padding: 1 }, 4],
    [8, { kernel: 5, padding: 4, dilation: 2 }, 8],
    [8, { kernel: 5, stride: 3 }, 2],
  ])('gives side %i under window %o the side %i', (side, window, expected) => {
    const net = builder(side, side)
    expect(net.value(net.conv(net.input, 4, window, 'c'))).toEqual({ height: expected, width: expected, channels: 4 })
  })

  it('counts every trainable number once', () => {
    const net = builder()
    const conv = net.conv(net.input, 4, { kernel: 3, padding: 1 }, 'stem.conv')
    const norm = net.batchNorm(conv, { affine: true, track: true }, 'stem.bn')
    const logits = net.linear(net.globalMean(norm), 10, 'classifier')
    const network = net.build({ name: 'tiny', heads: [{ logits, lossWeight: 1 }], features: norm })
    expect(parameterCount(network)).toBe(3 * 3 * 3 * 4 + 4 + 4 + 4 * 10 + 10)
    expect(network.statistics).toEqual([4])
    expect(network.classes).toBe(10)
    expect(network.parameters.map(({ name }) => name)).toEqual([
      'stem.conv.weight',
      'stem.bn.weight',
      'stem.bn.bias',
      'classifier.weight',
      'classifier.bias',
    ])
  })

  it('knows how many coefficients its mixes read', () => {
    const net = builder()
    const mixed = net.mix([net.input, null], [3, 7], net.value(net.input))
    const logits = net.linear(net.globalMean(mixed), 2, 'classifier')
    const network = net.build({ name: 'mixed', heads: [{ logits, lossWeight: 1 }], features: mixed })
    expect(network.coefficientCount).toBe(8)
  })

  it('refuses a window that does not fit, and says what to do', () => {
    const net = builder(4, 4)
    expect(() => net.pool('avgPool', net.input, { kernel: 5, stride: 3 })).toThrow(
      'avgPool: a 5×5 window does not fit into 4×4; use larger images or fewer reductions',
    )
  })

  it('refuses to add up, mix or concatenate values of different images, as a network of odd sizes would', () => {
    const net = builder(7, 7)
    const halved = net.conv(net.input, 3, { kernel: 3, stride: 2, padding: 1 }, 'a')
    const cut = net.pool('avgPool', net.input, { kernel: 2, stride: 2 })
    const what = /^4×4×3 and 3×3×3 meet in a (sum|mix|concatenation); use images whose height and width/
    expect(() => net.sum([halved, cut])).toThrow(what)
    expect(() => net.concat([halved, cut])).toThrow(what)
    expect(() => net.mix([null, cut], [0, 1], net.value(halved))).toThrow(what)
    const wide = net.conv(net.input, 5, { kernel: 3, stride: 2, padding: 1 }, 'b')
    expect(() => net.sum([halved, wide])).toThrow('4×4×3 and 4×4×5')
    expect(net.value(net.concat([halved, wide]))).toEqual({ height: 4, width: 4, channels: 8 })
  })

  it('writes a layer without parameters once for each input, and one with parameters every time', () => {
    const net = builder()
    const other = net.conv(net.input, 3, { kernel: 1 }, 'a')
    expect(net.relu(net.input)).toBe(net.relu(net.input))
    expect(net.relu(other)).not.toBe(net.relu(net.input))
    const pool = (kernel: number) => net.pool('maxPool', net.input, { kernel })
    expect(pool(2)).toBe(pool(2))
    expect(pool(3)).not.toBe(pool(2))
    expect(net.pool('avgPool', net.input, { kernel: 2 })).not.toBe(pool(2))
    const norm = (affine: boolean, track: boolean) => net.batchNorm(net.input, { affine, track }, 'bn')
    expect(norm(false, true)).toBe(norm(false, true))
    expect(norm(false, true)).not.toBe(norm(false, false))
    expect(norm(true, true)).not.toBe(norm(true, true))
    expect(net.conv(net.input, 3, { kernel: 1 }, 'b')).not.toBe(net.conv(net.input, 3, { kernel: 1 }, 'c'))
    expect(net.dropPath(net.input)).not.toBe(net.dropPath(net.input))
  })
})

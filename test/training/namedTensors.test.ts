import { describe, expect, test } from 'vitest'
import type { Network } from '../../src/core/network.ts'
import { parameterCount } from '../../src/core/network.ts'
import { NetworkBuilder } from '../../src/core/networkBuilder.ts'
import { dartsFamily } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { namedTensors, stateOf, tensorPlaces, torchName } from '../../src/training/namedTensors.ts'

const shape = { height: 32, width: 32, channels: 3, classes: 7 }
const networks: readonly (readonly [string, Network])[] = [
  [
    'DARTS with an auxiliary head and normalised poolings',
    dartsFamily.network(dartsFamily.parse('DARTS_V1'), {
      ...{ shape, channels: 4, depth: 3, auxiliary: true, pooledBatchNorm: true },
    }),
  ],
  [
    'DARTS for ImageNet',
    dartsFamily.network(dartsFamily.parse('PCDARTS'), { shape, channels: 4, depth: 3, family: 'imagenet' }),
  ],
  ['NAS-Bench-201', nb201.network(nb201.numbering?.at(6111) as never, { shape, channels: 4, depth: 1 })],
]

/** A state whose entries are all different. */
function stateFor(network: Network) {
  const count = 2 * network.statistics.reduce((sum, channels) => sum + channels, 0)
  return {
    weights: Float32Array.from({ length: parameterCount(network) }, (_, i) => i),
    statistics: Float32Array.from({ length: count }, (_, i) => -1 - i),
    momentum: new Float32Array(parameterCount(network)),
  }
}

/** Whether two vectors have the same bits; `toEqual` takes seconds for long ones. */
const same = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer))

describe.each(networks)('the tensors of %s', (_, network) => {
  test('have every entry of the state once, and give it back', () => {
    const state = stateFor(network)
    const tensors = namedTensors(network, state)
    const count = state.weights.length + state.statistics.length
    const entries = new Float32Array(count)
    let at = 0
    for (const { values } of tensors) {
      entries.set(values, at)
      at += values.length
    }
    const sorted = Float32Array.from({ length: count }, (_, i) => i - state.statistics.length)
    expect(same(entries.sort(), sorted)).toBe(true)
    const back = stateOf(network, tensors, 'x')
    expect(same(back.weights, state.weights) && same(back.statistics, state.statistics)).toBe(true)
  })

  test('have names with two levels of modules and a statistic for each batch norm', () => {
    const names = tensorPlaces(network).map(({ name }) => name)
    for (const name of names) expect(name).toMatch(/^[A-Za-z]\w*(\.[A-Za-z]\w*){1,3}$/)
    expect(names.filter((name) => name.endsWith('.running_var'))).toHaveLength(network.statistics.length)
  })
})

test('filters have PyTorch’s order of axes, and flattened images its order of channels and pixels', () => {
  const builder = new NetworkBuilder({ height: 2, width: 3, channels: 2 })
  const wide = builder.conv(builder.input, 2, { kernel: 1 }, 'a.conv')
  const deep = builder.depthwiseConv(wide, { kernel: 3, padding: 1 }, 'a.dw')
  const logits = builder.linear(deep, 2, 'classifier')
  const network = builder.build({ name: 'tiny', heads: [{ logits, lossWeight: 1 }], features: deep })
  const [conv, depthwise, weight] = namedTensors(network, stateFor(network))
  // HWIO (1, 1, 2, 2) to OIHW.
  expect([conv.shape, [...conv.values]]).toEqual([
    [2, 2, 1, 1],
    [0, 2, 1, 3],
  ])
  // HWC (3, 3, 2) to [C, 1, H, W]: of channel 0 all entries with an even place.
  expect(depthwise.shape).toEqual([2, 1, 3, 3])
  expect([...depthwise.values.slice(0, 3)]).toEqual([4, 6, 8])
  // [pixel, channel, out] to [out, channel, pixel].
  const at = (pixel: number, channel: number, out: number) => 22 + (pixel * 2 + channel) * 2 + out
  expect(weight.shape).toEqual([2, 12])
  expect([...weight.values.slice(0, 7)]).toEqual([...[0, 1, 2, 3, 4, 5].map((pixel) => at(pixel, 0, 0)), at(0, 1, 0)])
})

test('an operation’s name becomes one module in its cell', () => {
  expect(torchName('cell0.op3.sep_conv_3x3.dw1.weight')).toBe('cell0.op3_sep_conv_3x3.dw1.weight')
  expect(torchName('cell12.edge0-1.nor_conv_3x3.bn.bias')).toBe('cell12.edge0_1_nor_conv_3x3.bn.bias')
  expect(torchName('classifier.weight')).toBe('classifier.weight')
})

test('weights of another network are refused by name and shape, and extra tensors are left out', () => {
  const small = nb201.network(nb201.numbering?.at(6111) as never, { shape, channels: 4, depth: 1 })
  const wide = nb201.network(nb201.numbering?.at(6111) as never, { shape, channels: 8, depth: 1 })
  const tensors = namedTensors(small, stateFor(small))
  expect(() => stateOf(wide, tensors, 'net.safetensors')).toThrow(
    'net.safetensors does not fit nb201 network, C=8 N=1: stem.conv.weight has shape [4,3,3,3], expected [8,3,3,3]',
  )
  expect(() => stateOf(small, tensors.slice(1), 'net.safetensors')).toThrow('stem.conv.weight is missing')
  const extra = [{ name: 'auxiliary.bias', shape: [1], values: Float32Array.of(1) }, ...tensors]
  expect(stateOf(small, extra, 'x')).toEqual(stateFor(small))
})

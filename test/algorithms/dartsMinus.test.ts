import { describe, expect, it } from 'vitest'
import { tinyData } from '../../src/algorithms/contract/tinyTask.ts'
import { dartsV1 } from '../../src/algorithms/darts.ts'
import { dartsMinus, withAuxiliarySkip } from '../../src/algorithms/dartsMinus.ts'
import { softmaxRelaxation } from '../../src/algorithms/distributions/categorical.ts'
import { type Matrix, map, normalMatrix } from '../../src/core/mixing.ts'
import { random } from '../../src/core/random.ts'
import type { SearchSpace } from '../../src/core/space.ts'
import { openExecutor } from '../../src/engine/index.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { createSupernet } from '../../src/training/supernet.ts'
import { analyticContext } from './analyticSupernet.ts'

const spaces = { nb201, darts } as unknown as Record<string, SearchSpace>
const sizes = {
  nb201: { channels: 4, depth: 1, batchNorm: { affine: false, track: true } },
  darts: { channels: 4, depth: 3, batchNorm: { affine: false, track: true } },
}
const data = tinyData(0, 1)
const alphaOf = ({ edges }: SearchSpace) =>
  normalMatrix(
    edges.map(({ operations }) => operations.length),
    1,
    random(3),
  )

async function supernet(name: 'nb201' | 'darts', executorName: 'auto' | 'tfjs' = 'auto') {
  const space = spaces[name]
  const network = space.supernet({ shape: data.shape, ...sizes[name], auxiliarySkip: true })
  const executor = await openExecutor({ backend: 'wasm', executor: executorName })
  return createSupernet({ executor, network, edges: space.edges, batchSize: 4, stream: random(0) })
}

const lossAt = async (net: Awaited<ReturnType<typeof supernet>>, mixing: Parameters<typeof net.gradient>[1]) =>
  net.gradient(await data.weights.batch(0), mixing, { mode: 'probe' })

describe('an auxiliary skip connection', () => {
  it('of weight β on an edge without stride is β more on the candidate skip connection', async () => {
    const net = await supernet('nb201')
    const alpha = alphaOf(spaces.nb201)
    const skip = nb201.edges[0].operations.indexOf('skip_connect')
    const auxiliary = await lossAt(net, withAuxiliarySkip(0.7).relax(alpha).mixing)
    const theta = map(softmaxRelaxation.relax(alpha).mixing.theta, (value, _, op) => value + (op === skip ? 0.7 : 0))
    const added = await lossAt(net, { theta, auxiliary: 0 })
    expect(auxiliary.loss).toBeCloseTo(added.loss, 5)
    const close = (matrix: Matrix) => map(matrix, (value) => expect.closeTo(value, 4) as unknown as number)
    expect(auxiliary.mixing.theta).toEqual(close(added.mixing.theta))
    net.dispose()
  })

  it.each(['nb201', 'darts'] as const)(
    'is not there at β = 0, nor where the mixing names none, on %s',
    async (name) => {
      const net = await supernet(name)
      const alpha = alphaOf(spaces[name])
      const { mixing } = softmaxRelaxation.relax(alpha)
      const [without, zero, some] = [
        await lossAt(net, mixing),
        await lossAt(net, withAuxiliarySkip(0).relax(alpha).mixing),
        await lossAt(net, withAuxiliarySkip(1).relax(alpha).mixing),
      ]
      expect(zero).toEqual(without)
      expect(some.loss).not.toBe(zero.loss)
      net.dispose()
    },
  )

  it('gives the same loss and gradients on TensorFlow.js, strides and masked operations included', async () => {
    const [wasm, reference] = [await supernet('darts'), await supernet('darts', 'tfjs')]
    reference.weights.write(await wasm.weights.read())
    const { mixing } = withAuxiliarySkip(0.5).relax(alphaOf(spaces.darts))
    const active = mixing.theta.map((row, edge) => row.map((_, op) => (edge + op) % 3 !== 0))
    for (const each of [mixing, { ...mixing, active }]) {
      const [found, expected] = [await lossAt(wasm, each), await lossAt(reference, each)]
      expect(found.loss).toBeCloseTo(expected.loss, 4)
      const furthest = found.mixing.theta.flatMap((row, edge) =>
        row.map((value, op) => Math.abs(value - expected.mixing.theta[edge][op])),
      )
      expect(Math.max(...furthest)).toBeLessThan(1e-3)
    }
    for (const each of [wasm, reference]) each.dispose()
  })

  it('has weights of its own where the edge halves the image, and none elsewhere', () => {
    const names = darts
      .supernet({ shape: data.shape, ...sizes.darts, auxiliarySkip: true })
      .parameters.map(({ name }) => name)
    const own = names.filter((name) => name.includes('.auxiliary'))
    expect(new Set(own.map((name) => name.split('.auxiliary')[0]))).toHaveLength(2 * 8)
    expect(own.every((name) => /^cell[12]\.edge[01]-/.test(name))).toBe(true)
  })

  it.each(['nb201', 'darts'] as const)('is refused beside partial channels on %s', (name) => {
    const options = { shape: data.shape, ...sizes[name], auxiliarySkip: true, partialChannels: 2 }
    expect(() => spaces[name].supernet(options)).toThrow('known without partial channels only')
  })
})

describe('DARTS-', () => {
  it('is DARTS with beta=0', async () => {
    const [minus, plain] = [analyticContext(), analyticContext()]
    const search = await dartsMinus.search(minus, { beta: 0 })
    const expected = await dartsV1.search(plain, dartsV1.options.parse({}))
    for (let epoch = 0; epoch < 3; epoch++) {
      expect((await search.epoch(epoch)).parameters).toEqual((await expected.epoch(epoch)).parameters)
    }
  })

  it('lets β fall linearly, to reach 0 after the last epoch, and records it', async () => {
    const context = analyticContext({ protocol: { epochs: 4 } })
    const search = await dartsMinus.search(context, { beta: 2 })
    const betas = []
    for (let epoch = 0; epoch < 4; epoch++) betas.push((await search.epoch(epoch)).extra?.beta)
    expect(betas).toEqual([2, 1.5, 1, 0.5])
    const seen = context.networks[0].mixings.map(({ auxiliary }) => auxiliary)
    expect([seen[0], seen[10], seen[20], seen[39]]).toEqual([2, 1.5, 1, 0.5])
  })
})

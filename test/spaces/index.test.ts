import { expect, test } from 'vitest'
import { definePlugin, Registry } from '../../src/core/plugin.ts'
import { random } from '../../src/core/random.ts'
import { sample } from '../../src/core/space.ts'
import { builtinSpaces } from '../../src/spaces/index.ts'

const registry = new Registry().register(definePlugin({ name: 'spaces', spaces: Object.values(builtinSpaces) }))
const shape = { height: 32, width: 32, channels: 3, classes: 10 }

test('built-in spaces are registered under the names they carry', () => {
  expect(registry.spaces.map(({ name }) => name)).toEqual(Object.keys(builtinSpaces))
})

test.each(registry.spaces)('$name: sampled architectures can be written, read, derived and trained', (space) => {
  const stream = random(0, 'test')
  for (let i = 0; i < 20; i++) {
    const genotype = sample(space, stream)
    expect(space.parse(space.format(genotype))).toEqual(genotype)
    expect(genotype.space).toBe(space.name)
  }
  const theta = space.edges.map(({ operations }) => operations.map(() => stream.uniform()))
  const derived = space.derive(theta)
  expect(space.parse(space.format(derived))).toEqual(derived)
  const network = space.network(derived, { shape, channels: 4, depth: 3 })
  expect(network.values[network.heads[0].logits]).toEqual({ height: 1, width: 1, channels: 10 })
})

test.each(registry.spaces)(
  '$name: the search network has the same parameter names at every k, for widening',
  (space) => {
    const options = { shape, channels: 8, depth: 3, batchNorm: { affine: false, track: true } }
    const names = (k: number) => space.supernet({ ...options, partialChannels: k }).parameters.map(({ name }) => name)
    expect(names(2)).toEqual(names(1))
    expect(names(4)).toEqual(names(1))
  },
)

import { describe, expect, it } from 'vitest'
import { random } from '../../src/core/random.ts'
import { type SearchSpace, sample } from '../../src/core/space.ts'
import { darts } from '../../src/spaces/darts/index.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'

describe.each([nb201 as SearchSpace, darts as unknown as SearchSpace])(
  'the mixing of one architecture on $name',
  (space) => {
    it('has the shape of the edges and derives that architecture', () => {
      for (let seed = 0; seed < 20; seed++) {
        const genotype = sample(space, random(seed, 'one hot'))
        const theta = space.oneHot(genotype)
        expect(theta.map((row) => row.length)).toEqual(space.edges.map(({ operations }) => operations.length))
        expect(space.encoding.encode(space.derive(theta))).toEqual(space.encoding.encode(genotype))
      }
    })
  },
)

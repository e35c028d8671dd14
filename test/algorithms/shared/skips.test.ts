import { describe, expect, it } from 'vitest'
import { deriveWithFewSkips, skippedEdges } from '../../../src/algorithms/shared/skips.ts'
import type { Matrix } from '../../../src/core/mixing.ts'
import type { SearchSpace } from '../../../src/core/space.ts'
import { darts, dartsS2 } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'

/** A skip connection leads on every edge of every cell, most clearly on the last. */
const skipping = (space: SearchSpace): Matrix =>
  space.edges.map(({ operations }, edge) =>
    operations.map((name) => (name === 'skip_connect' ? 0.5 + edge / 100 : /conv/.test(name) ? 0.2 : 0)),
  )

describe.each([nb201, darts, dartsS2] as unknown as SearchSpace[])(
  'a derivation with few skip connections: $name',
  (space) => {
    const theta = skipping(space)
    const count = (most: number) => skippedEdges(space, deriveWithFewSkips(space, { theta }, most))

    it('keeps the strongest skip connections of the normal cell, and no more than asked for', () => {
      const all = skippedEdges(space, space.derive(theta))
      expect(all.length).toBeGreaterThan(2)
      for (const most of [0, 1, 2]) {
        expect(count(most)).toHaveLength(most)
        expect(count(most)).toEqual(all.slice(all.length - most))
      }
      expect(count(all.length)).toEqual(all)
    })

    it('changes nothing in other cells, nor where few enough are derived', () => {
      const reduce = (most: number) => space.format(deriveWithFewSkips(space, { theta }, most)).split('reduce=')[1]
      expect(reduce(0)).toBe(reduce(100))
      expect(space.format(deriveWithFewSkips(space, { theta }, 100))).toBe(space.format(space.derive(theta)))
    })
  },
)

it('leaves out edges below the threshold, as the derivation without a limit does', () => {
  const theta = nb201.edges.map(({ operations }, edge) =>
    operations.map((name) => (name === 'skip_connect' ? 0.9 : name === 'nor_conv_3x3' ? edge / 10 : 0)),
  )
  const derived = deriveWithFewSkips(nb201 as never, { theta }, 2, 0.15)
  expect(nb201.format(derived as never).match(/none/g)).toHaveLength(2)
  expect(skippedEdges(nb201 as never, derived)).toHaveLength(2)
})

it('ends where an edge has nothing but a skip connection to offer', () => {
  const theta = nb201.edges.map(({ operations }) => operations.map((name) => Number(name === 'skip_connect')))
  expect(deriveWithFewSkips(nb201 as never, { theta }, 0)).toBeDefined()
})

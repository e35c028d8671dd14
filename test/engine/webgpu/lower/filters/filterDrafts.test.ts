/** Which filters a dispatch takes together. */
import { expect, test } from 'vitest'
import { lower } from '../../../../../src/engine/graph/lower.ts'
import { orderByDepth, rewrite } from '../../../../../src/engine/graph/rewrite.ts'
import { draftGroups } from '../../../../../src/engine/webgpu/lower/filters/filterDrafts.ts'
import { findReadThrough } from '../../../../../src/engine/webgpu/lower/terms/readThrough.ts'
import { placeTerms } from '../../../../../src/engine/webgpu/lower/terms/termPlaces.ts'
import { branching } from '../../branches.ts'

const network = branching()
const nameOf = (parameter: number) => network.parameters[parameter].name.replace('.weight', '')

/** Names of the parameters of each group. */
function groups(largestBinding: number): string[] {
  const graph = orderByDepth(rewrite(lower(network)))
  const readThrough = findReadThrough(graph, placeTerms(graph))
  const drafts = draftGroups({ graph, batchSize: 1, readThrough, largestBinding })
  return drafts.map(({ parallel, members }) => {
    const names = members.map(({ filter }) => nameOf(filter.parameter)).join(' ')
    return parallel ? `each its own: ${names}` : `all the same: ${names}`
  })
}

test('filters of one value go together, and those alike of values that go together', () => {
  expect(groups(2 ** 30)).toEqual([
    'all the same: stem',
    'all the same: pooled.1.deep a.1.deep c.1.deep b.1.deep',
    'all the same: twice wide lone far',
    'all the same: raw',
    'each its own: pooled.1 a.1 b.1 c.1',
    'all the same: on',
    'each its own: a.2.deep c.2.deep b.2.deep',
    'all the same: pooled.2.deep',
    'each its own: a.2 b.2 c.2',
    'each its own: pooled.2',
    'all the same: near',
    'all the same: reduced beside',
    'all the same: classifier',
  ])
})

test('no more go together than one binding can have the outputs of', () => {
  const bytesOfTwo = 2 * Math.ceil((7 * 6 * 8 * 4) / 256) * 256
  expect(groups(bytesOfTwo).slice(1, 8)).toEqual([
    'all the same: pooled.1.deep a.1.deep',
    'all the same: twice wide',
    'all the same: c.1.deep b.1.deep',
    'all the same: lone far',
    'all the same: raw',
    'each its own: pooled.1 a.1',
    'each its own: b.1 c.1',
  ])
})

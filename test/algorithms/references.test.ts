import { describe, expect, it } from 'vitest'
import { optimal, resnet } from '../../src/algorithms/references.ts'
import type { ReferenceContext } from '../../src/core/algorithm.ts'
import type { Genotype, SearchSpace } from '../../src/core/space.ts'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { analyticContext } from './analyticSupernet.ts'

const TEST = 'd/x-test/1/0'
const VALIDATION = 'd/x-valid/1/0'

/** A table in which test accuracy grows with the index up to `best` and validation accuracy falls with it. */
function seeing(best: number, known = 15625): ReferenceContext {
  const space = nb201 as SearchSpace
  const evaluate = async (genotype: Genotype) => {
    const index = space.numbering?.indexOf(genotype) ?? 0
    if (index >= known) return { metrics: [] }
    return {
      metrics: [
        { dataset: 'd', split: 'x-test', epochs: 1, seed: 0, accuracyPct: Math.min(index, best) / 200 },
        { dataset: 'd', split: 'x-valid', epochs: 1, seed: 0, accuracyPct: (20000 - index) / 200 },
      ],
    }
  }
  return {
    ...analyticContext(),
    evaluator: {
      identity: 'a test',
      evaluate,
      lookup: evaluate,
      validate: async () => ({ accuracyPct: 0, seconds: 0 }),
    },
    headline: { dataset: 'd', validation: VALIDATION, test: TEST },
  }
}

const answer = async (context: ReferenceContext, options = {}) => {
  const search = await optimal.search(context, optimal.options.parse(options))
  return nb201.numbering?.indexOf(search.genotype() as never)
}

describe('the optimal row', () => {
  it('is the architecture of largest test accuracy, the lowest index at ties', async () => {
    expect(await answer(seeing(9000))).toBe(9000)
  })

  it('is the architecture of largest validation accuracy with by=validation', async () => {
    expect(await answer(seeing(9000), { by: 'validation' })).toBe(0)
  })

  it('needs a complete table', async () => {
    await expect(answer(analyticContext())).rejects.toThrow(
      'optimal needs a table of all architectures of nb201; name one with --table',
    )
    await expect(answer(seeing(9000, 15000))).rejects.toThrow(
      'optimal needs d/x-test/1/0 of every architecture; the table has none for #15000',
    )
  })
})

describe('the ResNet row', () => {
  it('is number 11472 of the official list', async () => {
    const search = await resnet.search(analyticContext(), {})
    expect(nb201.numbering?.indexOf(search.genotype() as never)).toBe(11472)
  })
})

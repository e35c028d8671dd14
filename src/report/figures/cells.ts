/** The figure `cells`: drawings of the cell architecture that each method found most often. */

import type { Drawing } from '../../core/drawing.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { datasetTitle } from '../comparison/comparison.ts'
import { groupByMethod, labelOf, oneRunPerSeed } from '../methods.ts'
import type { Figure } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'

/**
 * Largest width of a cell drawing, in CSS pixels, at which two drawings share a row. Wider drawings have a row each, so
 * that they stay readable in a paper.
 */
const WIDEST_OF_TWO = 400

/**
 * Returns the drawings of an architecture's cells, one for each type of cell.
 * @throws BenchError `unsupported` if the search space has no drawings
 */
export function cellDrawings(space: SearchSpace, genotype: Genotype, title: string): readonly Drawing[] {
  if (space.draw !== undefined) return space.draw(genotype, title)
  throw new BenchError('unsupported', `cells of the space ${space.name} cannot be drawn: the space has no draw()`)
}

/**
 * Returns the figure `cells`: for each method the architecture that it found most often; of equally frequent ones, the
 * one found by the lowest seed.
 */
export function cellsFigure(runs: readonly RunRecord[], space: SearchSpace): Figure {
  const finished = runs.filter(({ result }) => result !== undefined)
  if (finished.length === 0) throw new BenchError('missing', 'no run has finished, so there is no cell to draw')
  const datasets = [...new Set(finished.map(({ manifest }) => manifest.job.dataset.name))]
  const panels = groupByMethod(finished)
    .map(oneRunPerSeed)
    .flatMap((method) =>
      datasets.flatMap((dataset) => {
        const seeds = method.runs.filter(({ manifest }) => manifest.job.dataset.name === dataset)
        const name = labelOf(method)
        const label = datasets.length > 1 ? `${name}, ${datasetTitle(dataset)}` : name
        return seeds.length === 0 ? [] : answerDrawings(seeds, label, space)
      }),
    )
  const columns = Math.max(...panels.map(({ width }) => width)) > WIDEST_OF_TWO ? 1 : Math.min(2, panels.length)
  return { name: 'cells', caption: 'The architecture that each method found most often.', columns, panels }
}

function answerDrawings(seeds: readonly RunRecord[], label: string, space: SearchSpace): readonly Drawing[] {
  const genotypes = seeds.flatMap(({ result }) => result?.genotype ?? [])
  const answer = mostFrequent(genotypes)
  const count = genotypes.filter((genotype) => genotype === answer).length
  // An architecture that was trained in full may come from another space of the family.
  const genotype = (space.family ?? space).parse(answer)
  return cellDrawings(space, genotype, `${label} (${count} of ${pluralize(genotypes.length, 'seed')})`)
}

function mostFrequent(items: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0]
}

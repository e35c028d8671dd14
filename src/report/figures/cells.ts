/** The figure `cells`: drawings of the cells that each method found most often. */

import type { Drawing } from '../../core/drawing.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { dartsCellDrawing } from '../../spaces/darts/drawing.ts'
import type { DartsGenotype } from '../../spaces/darts/genotype.ts'
import { darts, parseCells } from '../../spaces/darts/index.ts'
import { nb201CellDrawing } from '../../spaces/nb201/drawing.ts'
import type { Nb201Genotype } from '../../spaces/nb201/genotype.ts'
import { datasetTitle } from '../comparison/comparison.ts'
import { groupByMethod, labelOf, oneRunPerSeed } from '../methods.ts'
import type { Figure } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'

/** Widest cell of which two stand side by side, in CSS pixels; wider ones would become too small to read in a paper. */
const WIDEST_OF_TWO = 400

/** One drawing a cell. @throws BenchError `unsupported` for spaces of other forms */
export function cellDrawings(genotype: Genotype, title: string): readonly Drawing[] {
  if ('operations' in genotype) return [nb201CellDrawing(genotype as Nb201Genotype, title)]
  if ('normal' in genotype && 'reduce' in genotype) {
    const { normal, reduce } = genotype as DartsGenotype
    const of = (cell: string) => (title === '' ? cell : `${title}, ${cell}`)
    return [dartsCellDrawing(normal, of('normal cell')), dartsCellDrawing(reduce, of('reduction cell'))]
  }
  throw new BenchError('unsupported', `cells of the space ${genotype.space} cannot be drawn; nb201's and DARTS' can`)
}

/** Returns the cells that each method found most often; of equally frequent ones those of the lowest seed. */
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
  const columns = Math.max(...panels.map(({ width }) => width)) > WIDEST_OF_TWO ? 1 : 2
  return { name: 'cells', caption: 'The architecture that each method found most often.', columns, panels }
}

function answerDrawings(seeds: readonly RunRecord[], label: string, space: SearchSpace): readonly Drawing[] {
  const genotypes = seeds.flatMap(({ result }) => result?.genotype ?? [])
  const answer = mostFrequent(genotypes)
  const count = genotypes.filter((genotype) => genotype === answer).length
  // Cells that were trained in full may come from another space of the family.
  const cells = space.name.startsWith(darts.name) ? parseCells(answer) : space.parse(answer)
  return cellDrawings(cells, `${label} (${count} of ${pluralize(genotypes.length, 'seed')})`)
}

function mostFrequent(items: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return [...counts].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0]
}

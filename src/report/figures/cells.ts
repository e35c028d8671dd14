/** Cells of architectures, drawn: NAS-Bench-201's four nodes, and the two cells of the DARTS space. */
import { BenchError } from '../../core/errors.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import type { DartsGenotype } from '../../spaces/darts/genotype.ts'
import type { Nb201Genotype } from '../../spaces/nb201/genotype.ts'
import type { Drawing } from '../drawing.ts'
import type { Figure } from '../figure.ts'
import { groupByMethod } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'
import { dartsCellDrawing } from './dartsCell.ts'
import { nb201CellDrawing } from './nb201Cell.ts'

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

/** What each method answered most often; of equals, the answer of the lowest seed. */
export function cellsFigure(runs: readonly RunRecord[], space: SearchSpace): Figure {
  const finished = runs.filter(({ result }) => result !== undefined)
  if (finished.length === 0) throw new BenchError('missing', 'no run has finished, so there is no cell to draw')
  const panels = groupByMethod(finished).flatMap(({ label, runs: seeds }) => {
    const genotypes = seeds.flatMap(({ result }) => result?.genotype ?? [])
    const answer = mostFrequent(genotypes)
    const count = genotypes.filter((genotype) => genotype === answer).length
    return cellDrawings(space.parse(answer), `${label} (${count} of ${genotypes.length} seeds)`)
  })
  return { name: 'cells', caption: 'The architecture that each method found most often.', columns: 2, panels }
}

function mostFrequent(items: readonly string[]): string {
  const count = (item: string) => items.filter((other) => other === item).length
  return items.reduce((best, item) => (count(item) > count(best) ? item : best))
}

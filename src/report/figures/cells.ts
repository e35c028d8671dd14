/** The figure `cells`: drawings of the cell architecture that each method found most often. */

import type { Drawing } from '../../core/drawing.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Genotype, SearchSpace } from '../../core/space.ts'
import { groupBy } from '../../system/groupBy.ts'
import { datasetTitle } from '../comparison/comparison.ts'
import { groupByMethod, labelOf, networkOf, oneRunPerSeed } from '../methods.ts'
import type { Figure } from '../pictures/figure.ts'
import { datasetOf, isFinished, type RunRecord } from '../runRecord.ts'

/** Largest width of a drawing, in CSS pixels, of which two share a row; in a paper, its letters are at least 6 pt high. */
const WIDEST_OF_TWO = 440

/**
 * Returns the drawings of an architecture's cells, one for each type of cell.
 * @throws BenchError `unsupported` if the search space has no drawings
 */
export function cellDrawings(space: SearchSpace, genotype: Genotype, title: string): readonly Drawing[] {
  if (space.draw !== undefined) return space.draw(genotype, title)
  throw new BenchError('unsupported', `cells of the space ${space.name} cannot be drawn: the space has no draw()`)
}

/** Returns the number of drawings of cells that share a row: two unless one is too wide for that. */
export const columnsOf = (drawings: readonly Drawing[]): number =>
  drawings.some(({ width }) => width > WIDEST_OF_TWO) ? 1 : Math.min(2, drawings.length)

/**
 * Returns the figure `cells`: for each method the architecture that it found most often; of equally frequent ones, the
 * one found by the lowest seed. Two drawings share a row, unless they
 * are so wide that their letters would be too small.
 */
export function cellsFigure(runs: readonly RunRecord[], space: SearchSpace): Figure {
  const finished = runs.filter(({ result }) => result !== undefined)
  if (finished.length === 0) throw new BenchError('missing', 'no run has finished, so there is no cell to draw')
  const datasets = [...new Set(finished.map(datasetOf))]
  const answers = groupByMethod(runs)
    .map(oneRunPerSeed)
    .flatMap((method) =>
      datasets.flatMap((dataset) => {
        const own = method.runs.filter((run) => isFinished(run) && datasetOf(run) === dataset)
        // A seed whose architecture was trained under several settings counts once.
        const seeds = [...groupBy(own, (run) => `${run.manifest.job.seed} ${networkOf(run)}`).values()].map(
          ([run]) => run,
        )
        const name = labelOf(method)
        const label = datasets.length > 1 ? `${name}, ${datasetTitle(dataset)}` : name
        return seeds.length === 0 ? [] : [answerOf(seeds, label)]
      }),
    )
  // An architecture that was trained in full may come from another space of the family.
  const panels = answers.flatMap(({ label, genotype, share }) =>
    cellDrawings(space, (space.family ?? space).parse(genotype), `${label} (${share})`),
  )
  const hasOnlyDifferent = answers.some(({ count, seeds }) => count === 1 && seeds > 1)
  return {
    name: 'cells',
    caption: `The architecture that each method found most often${hasOnlyDifferent ? '; where all seeds differ, that of the lowest seed' : ''}.`,
    columns: columnsOf(panels),
    panels,
    numbers: {
      columns: ['method', 'found by seeds', 'of seeds', 'architecture'],
      rows: answers.map(({ label, count, seeds, genotype }) => [label, count, seeds, genotype]),
    },
  }
}

/** Returns the network that a method found most often, as its lowest seed writes it, and how many seeds found it. */
function answerOf(runs: readonly RunRecord[], label: string) {
  const networks = [...groupBy(runs, (run) => networkOf(run) ?? '').values()]
  const alike = networks.reduce((most, group) => (group.length > most.length ? group : most))
  const [{ result, manifest }] = alike
  const [count, seeds] = [alike.length, runs.length]
  const share =
    count === 1 && seeds > 1
      ? `seed ${manifest.job.seed}; all ${seeds} seeds differ`
      : `${count} of ${pluralize(seeds, 'seed')}`
  return { label, genotype: result?.genotype ?? '', count, seeds, share }
}

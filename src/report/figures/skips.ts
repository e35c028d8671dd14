/** The figure `skips`: number of skip connections in the derived architecture over the epochs of a search. */
import { countSkips } from '../../analysis/probes/skip.ts'
import type { Ink } from '../../core/drawing.ts'
import { BenchError } from '../../core/errors.ts'
import { capitalize } from '../../core/plainText.ts'
import { epochAxis, type Figure, type Plot, type Series } from '../pictures/figure.ts'
import type { RunRecord } from '../runRecord.ts'
import {
  bandOfRuns,
  customarySpread,
  inPanelsOfAll,
  MANY_SEEDS,
  onEachDataset,
  rangeOf,
  type ShownMethod,
  type Spread,
  shownMethods,
  spreadWords,
  withRuns,
} from './shared.ts'

/**
 * Returns the figure `skips`, with a panel for each search: the mean over the seeds, and a thin line for each seed, of
 * more than 20 seeds a band instead. A growing number of skip connections is the symptom of DARTS' collapse.
 * @param spread what a band around the mean shows in place of the lines of the seeds; absent: see above
 * @throws BenchError `missing` if no run trained a supernet on a space with skip connections
 */
export function skipsFigure(runs: readonly RunRecord[], spread?: Spread): Figure {
  const methods = withRuns(shownMethods(runs), (run) => run.result?.oracle === undefined && run.epochs.length > 1)
  const hasSeeds = spread === undefined && methods.every((method) => method.runs.length <= MANY_SEEDS)
  const shown = hasSeeds ? 'none' : (spread ?? customarySpread(methods))
  const groups = onEachDataset(methods).map(({ title, methods: own }) => ({
    title,
    means: own.map(
      ({ label, look, runs: ofOne }): Series => ({ label, look, form: 'line', ...bandOfRuns(ofOne, curveOf, shown) }),
    ),
    seeds: own.map((method) => (hasSeeds && method.runs.length > 1 ? seedLines(method) : [])),
  }))
  const means = groups.flatMap((group) => group.means)
  if (means.every(({ points }) => points.every(({ y }) => y === 0))) {
    throw new BenchError('missing', 'no search has skip connections in the architectures of its epochs')
  }
  const seeds = groups.flatMap((group) => group.seeds)
  const atLeast = rangeOf([...means, ...seeds.flat()])
  const y = { label: 'skip connections', scale: 'linear', whole: true, atLeast } as const
  const { panels, columns } = inPanelsOfAll(
    groups.map((group) => ({ kind: 'plot', title: group.title, x: epochAxis, y, series: group.means })),
    1,
  )
  return {
    name: 'skips',
    caption: [
      'Skip connections in the architecture that a search would answer after each epoch.',
      hasSeeds ? 'Thick: mean over seeds; thin: each seed.' : `${capitalize(spreadWords(shown))}.`,
      ...(methods.length > 1 ? ['Grey: the other searches.'] : []),
    ].join(' '),
    columns,
    panels: (panels as readonly Plot[]).map((panel, i) => {
      const [own] = panel.series.slice(-1)
      return { ...panel, series: [...panel.series.slice(0, -1), ...seeds[i], own] }
    }),
  }
}

/** Returns a thin line for each seed of a search. They are translucent, so that they are darker where seeds agree. */
const seedLines = ({ label, look, runs }: ShownMethod): readonly Series[] =>
  runs.map((run) => ({
    ...{ label: `${label}, seed ${run.manifest.job.seed}`, partOf: label, unnamed: true, thin: true },
    look: { ...look, dash: [], colour: `${look.colour}77` as Ink },
    form: 'line',
    points: [...curveOf(run)].map(([x, y]) => ({ x, y })),
  }))

/** Returns the number of skip connections of a run's architecture by epoch (from 1). */
const curveOf = ({ epochs }: RunRecord): ReadonlyMap<number, number> =>
  new Map(epochs.map(({ epoch, genotype }) => [epoch + 1, countSkips(genotype)]))

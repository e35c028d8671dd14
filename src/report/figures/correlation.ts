/**
 * The figure of two columns x and y of a lookup table against each other, such as a training-free score and the
 * accuracy: a point for each architecture, and the median of y for each tenth of the architectures by x.
 */
import { quantile } from 'simple-statistics'
import { rankCorrelations } from '../../analysis/statistics/rankCorrelation.ts'
import { DEGENERATE } from '../../core/score.ts'
import { type Figure, scaleFor } from '../pictures/figure.ts'
import { architecturesWithBoth, withUnit } from './pareto.ts'

const cloudLook = { colour: 'cloud', dash: [], marker: 'circle' } as const
const medianLook = { colour: '#c2410c', dash: [], marker: 'circle' } as const

/** Number of equally large groups of architectures, ordered by x, for which the median of y is drawn. */
const GROUPS = 10

/** The values of two columns in the rows of a lookup table that have both. */
export interface ColumnPair {
  readonly table: string
  readonly names: readonly [x: string, y: string]
  readonly x: readonly number[]
  readonly y: readonly number[]
}

/**
 * Returns the figure of two columns. Architectures with a degenerate score are left out, since that score has no place
 * on an axis.
 */
export function correlationFigure({ table, names, x, y }: ColumnPair): Figure {
  const isShown = (i: number) => Math.abs(x[i]) !== DEGENERATE && Math.abs(y[i]) !== DEGENERATE
  const shown = [...x.keys()].filter(isShown).sort((a, b) => x[a] - x[b] || a - b)
  const { spearman, kendall } = rankCorrelations(x, y)
  const number = (value: number | undefined) => (value === undefined ? 'not defined' : value.toFixed(3))
  const left = x.length - shown.length
  const lost = left === 0 ? '' : ` ${left} degenerate ones are not drawn.`
  return {
    name: 'correlation',
    caption: `${architecturesWithBoth(x.length, table)}: Spearman ${number(spearman)}, Kendall ${number(kendall)}; the line joins the medians of tenths.${lost}`,
    columns: 1,
    panels: [
      {
        kind: 'plot',
        title: table,
        x: { label: withUnit(names[0]), scale: scaleFor(shown.map((i) => x[i])) },
        y: { label: withUnit(names[1]), scale: 'linear' },
        series: [
          { label: 'all', look: cloudLook, form: 'cloud', points: shown.map((i) => ({ x: x[i], y: y[i] })) },
          { label: 'median of a tenth', look: medianLook, form: 'line', points: medians(shown, x, y) },
        ],
      },
    ],
  }
}

/**
 * Returns the medians of x and of y in each group of architectures. Architectures with equal x are in the same group, so
 * that there may be fewer groups, of unequal sizes.
 * @param order indices of the architectures, sorted by x
 */
function medians(order: readonly number[], x: readonly number[], y: readonly number[]) {
  const cuts = Array.from({ length: GROUPS + 1 }, (_, part) => {
    let cut = Math.floor((part * order.length) / GROUPS)
    while (cut > 0 && cut < order.length && x[order[cut]] === x[order[cut - 1]]) cut++
    return cut
  })
  const groups = Array.from({ length: GROUPS }, (_, group) => order.slice(cuts[group], cuts[group + 1]))
  const median = (group: readonly number[], of: readonly number[]) =>
    quantile(
      group.map((i) => of[i]),
      0.5,
    )
  return groups.filter(({ length }) => length > 0).map((group) => ({ x: median(group, x), y: median(group, y) }))
}

/** Average ranks of methods over datasets and seeds, with Nemenyi's critical difference (Demšar, JMLR 2006, Figure 1). */
import { friedman } from '../../analysis/statistics/friedman.ts'
import { BenchError } from '../../core/errors.ts'
import { compare, searchesOf } from '../comparison/comparison.ts'
import type { Drawing, Shape } from '../pictures/drawing.ts'
import type { Figure } from '../pictures/figure.ts'
import { type Look, looksOf } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'

const SCALE = 150
/** Width of a letter, generously. */
const LETTER = 4.8
const AXIS = 52
const SIZE = 10.67
const LINE = 17
/** Between two labels of the scale. */
const TICK_ROOM = 16

interface Ranked {
  readonly label: string
  readonly look: Look
  readonly rank: number
}

/**
 * @param references see `searchesOf`
 * @throws BenchError `missing` where fewer than two searches share two blocks (a dataset and a seed each)
 */
export function ranksFigure(runs: readonly RunRecord[], references?: ReadonlySet<string>): Figure {
  const comparison = compare(runs)
  const { columns } = comparison
  const rows = searchesOf(comparison, references)
  const tests = columns.flatMap(({ split }, i) => (split === 'test' ? [i] : []))
  const scores = tests.flatMap((column) => {
    const seeds = [...(rows[0]?.cells[column].bySeed.keys() ?? [])]
    const blocks = seeds.map((seed) => rows.map(({ cells }) => cells[column].bySeed.get(seed)))
    return blocks.filter((block): block is number[] => block.every((value) => value !== undefined))
  })
  if (rows.length < 2 || scores.length < 2) {
    throw new BenchError(
      'missing',
      `ranks need two searches and two seeds that all searches finished; found ${rows.length} and ${scores.length}`,
    )
  }
  const { ranks, p, criticalDifference } = friedman(scores)
  const looks = looksOf(comparison.rows.map(({ method }) => method))
  const methods = rows.map((row, i) => ({
    label: row.method.label,
    look: looks[comparison.rows.indexOf(row)],
    rank: ranks[i],
  }))
  const sorted = methods.sort((a, b) => a.rank - b.rank)
  return {
    name: 'ranks',
    caption: `Average ranks over ${scores.length} blocks (test column × seed; 1 is best). Friedman p = ${p.toPrecision(2)}; bars join methods that do not differ at 5 % (Nemenyi, critical difference ${criticalDifference.toFixed(2)}). Blocks that share a seed are not independent.`,
    columns: 1,
    panels: [diagram(sorted, criticalDifference)],
  }
}

function diagram(methods: readonly Ranked[], criticalDifference: number): Drawing {
  const highest = Math.max(methods.length, 2)
  // Names stand on both sides of the scale: the longest decides how far in it begins.
  const margin = 14 + LETTER * Math.max(18, ...methods.map(({ label }) => label.length + 6))
  const width = SCALE + 2 * margin
  const x = (rank: number) => margin + ((rank - 1) / (highest - 1)) * SCALE
  const bars = cliques(methods, criticalDifference)
  const below = AXIS + 14 + 8 * bars.length
  const half = Math.ceil(methods.length / 2)
  const labels = methods.flatMap((method, i) => {
    const left = i < half
    const y = below + 10 + LINE * (left ? i : methods.length - 1 - i)
    return methodShapes(method, x(method.rank), y, left ? margin - 10 : width - margin + 10)
  })
  const height = below + 14 + LINE * half
  const shapes = [
    ...scaleShapes(highest, x, criticalDifference),
    ...labels,
    ...bars.map(([first, last], i): Shape => {
      const y = AXIS + 12 + 8 * i
      return line(x(methods[first].rank) - 3, y, x(methods[last].rank) + 3, y, 3)
    }),
  ]
  return { kind: 'drawing', title: '', width, height, shapes }
}

/** Longest runs of methods, in order of rank, that lie within the critical difference; first and last position of each. */
export function cliques(methods: readonly { readonly rank: number }[], criticalDifference: number): [number, number][] {
  const reach = methods.map(({ rank }) => methods.findLastIndex((other) => other.rank - rank <= criticalDifference))
  return reach.flatMap((last, first): [number, number][] =>
    last > first && (first === 0 || reach[first - 1] < last) ? [[first, last]] : [],
  )
}

function scaleShapes(highest: number, x: (rank: number) => number, criticalDifference: number): Shape[] {
  const every = Math.ceil((TICK_ROOM * (highest - 1)) / SCALE)
  const ranks = Array.from({ length: highest }, (_, i) => i + 1)
  const labelled = ranks.filter((rank) => (rank - 1) % every === 0)
  const ticks = [
    ...ranks.map((rank) => line(x(rank), AXIS - 5, x(rank), AXIS, 1)),
    ...labelled.map((rank): Shape => {
      return {
        kind: 'text',
        x: x(rank),
        y: AXIS - 13,
        text: String(rank),
        align: 'center',
        size: SIZE,
        colour: 'faint',
      }
    }),
  ]
  const end = x(1 + criticalDifference)
  const text = `critical difference ${criticalDifference.toFixed(2)}`
  return [
    line(x(1), AXIS, x(highest), AXIS, 1),
    ...ticks,
    line(x(1), 20, end, 20, 1.4),
    line(x(1), 16, x(1), 24, 1.4),
    line(end, 16, end, 24, 1.4),
    { kind: 'text', x: x(1), y: 8, text, align: 'left', size: SIZE, colour: 'ink' },
  ]
}

/** A line from the scale at `x` down to `y`, and on to `end`, where the method's name stands. */
function methodShapes({ label, look, rank }: Ranked, x: number, y: number, end: number): Shape[] {
  const left = end < x
  return [
    { kind: 'path', path: `M${x},${AXIS} V${y} H${end}`, colour: look.colour, width: 1.4 },
    {
      kind: 'text',
      x: left ? end - 4 : end + 4,
      y,
      text: left ? `${label}  ${rank.toFixed(2)}` : `${rank.toFixed(2)}  ${label}`,
      align: left ? 'right' : 'left',
      size: SIZE,
      colour: 'ink',
    },
  ]
}

const line = (x1: number, y1: number, x2: number, y2: number, width: number): Shape => ({
  kind: 'path',
  path: `M${x1},${y1} L${x2},${y2}`,
  colour: 'ink',
  width,
})

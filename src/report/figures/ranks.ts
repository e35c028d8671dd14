/**
 * The figure `ranks`: ranks of searches by accuracy, averaged over seeds, with Nemenyi's critical difference (Demšar,
 * JMLR 2006, Figure 1).
 */

import { friedman } from '../../analysis/statistics/friedman.ts'
import { type Drawing, heading, type Shape, textRoom } from '../../core/drawing.ts'
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import { type Blocks, blocksOf, compare, FEWEST_BLOCKS, type Row, searchesOf } from '../comparison/comparison.ts'
import type { Figure } from '../pictures/figure.ts'
import { type Look, looksOf } from '../pictures/palette.ts'
import type { RunRecord } from '../runRecord.ts'

const SCALE = 150
/** Least space beside the scale in CSS pixels. */
const LEAST_MARGIN = 100
const AXIS = 52
/** Height of the title above a rank diagram, in CSS pixels. */
const HEADING = 20
const SIZE = 10.67
const LINE = 17
/** Height in CSS pixels within which the lines of methods turn from their ranks to their lanes, and the distance of lanes. */
const SPREAD = 10
const LANE = 5
/** Smallest distance between two labels on the scale of ranks, in CSS pixels. */
const TICK_ROOM = 16

interface Ranked {
  readonly label: string
  readonly look: Look
  readonly rank: number
}

/** The average ranks of the searches for one test accuracy. */
interface Ranking {
  readonly title: string
  readonly blocks: Blocks
  readonly ranked: readonly Ranked[]
  /**
   * p-value of the Friedman test on the ranks and Nemenyi's critical difference; absent if there are too few seeds for
   * a test.
   */
  readonly test?: { readonly p: number; readonly criticalDifference: number }
}

/**
 * Returns a diagram of average ranks for each test accuracy. Searches are ranked on every seed that all of them
 * finished.
 * @param references names of the algorithms that answer with a fixed architecture; they are left out
 * @throws BenchError `missing` if no test accuracy has two searches with at least two common seeds
 */
export function ranksFigure(runs: readonly RunRecord[], references?: ReadonlySet<string>): Figure {
  const comparison = compare(runs)
  const searches = searchesOf(comparison, references)
  const looks = looksOf(comparison.rows.map(({ method }) => method))
  const lookOf = (row: Row) => looks[comparison.rows.indexOf(row)]
  const all = comparison.columns.flatMap(({ split, title }, column) =>
    split === 'test' ? [{ title, blocks: blocksOf(searches, column) }] : [],
  )
  const rankings = all
    .filter(({ blocks }) => blocks.rows.length > 1 && blocks.seeds.length > 1)
    .map(({ title, blocks }) => rankingOf(title, blocks, lookOf))
  if (rankings.length === 0) {
    const seeds = Math.max(0, ...all.map(({ blocks }) => blocks.seeds.length))
    throw new BenchError(
      'missing',
      `ranks need two searches and two seeds that all searches finished; found ${searches.length} and ${seeds}`,
    )
  }
  const isNamed = all.length > 1
  return {
    name: 'ranks',
    caption: captionOf(rankings, isNamed),
    columns: 1,
    panels: rankings.map((ranking) => diagram(ranking, isNamed ? ranking.title : '')),
    numbers: {
      columns: ['panel', 'method', 'average rank', 'seeds'],
      rows: rankings.flatMap(({ title, blocks: { seeds }, ranked }) =>
        ranked.map(({ label, rank }) => [title, label, rank, seeds.length]),
      ),
    },
  }
}

function rankingOf(title: string, blocks: Blocks, lookOf: (row: Row) => Look): Ranking {
  const { ranks, p, criticalDifference } = friedman(blocks.scores)
  const ranked = blocks.rows
    .map((row, i) => ({ label: row.method.label, look: lookOf(row), rank: ranks[i] }))
    .sort((a, b) => a.rank - b.rank)
  return { title, blocks, ranked, ...(blocks.seeds.length >= FEWEST_BLOCKS && { test: { p, criticalDifference } }) }
}

function captionOf(rankings: readonly Ranking[], isNamed: boolean): string {
  const tested = rankings.some(({ test }) => test !== undefined)
  return [
    'Average ranks of the searches over the seeds that all of them finished; 1 is best.',
    ...rankings.map((ranking) => `${isNamed ? `${ranking.title}: ` : ''}${rankingText(ranking)}.`),
    ...(tested ? ['Bars join searches that do not differ at 5 % (Nemenyi).'] : []),
    ...(isNamed
      ? ['Each column has a diagram and a test of its own, since one seed’s numbers are not independent.']
      : []),
  ].join(' ')
}

function rankingText({ blocks: { seeds, incomplete }, test }: Ranking): string {
  const others = incomplete === 0 ? '' : ` (left out: ${incomplete} that not all finished)`
  if (test === undefined) {
    return `${pluralize(seeds.length, 'seed')}${others}, too few for a p-value, which takes ${FEWEST_BLOCKS}`
  }
  return `${seeds.length} seeds${others}, Friedman p ${pText(test.p)}, critical difference ${test.criticalDifference.toFixed(2)}`
}

/** Returns the text of a p-value in a caption: `= 0.019` or `= 2.3e-122`, and `< 1e-300` for smaller ones. */
const pText = (p: number): string => (p < 1e-300 ? '< 1e-300' : `= ${p.toPrecision(2)}`)

function diagram({ ranked, test }: Ranking, title: string): Drawing {
  const highest = Math.max(ranked.length, 2)
  const axis = AXIS + (title === '' ? 0 : HEADING)
  // Names stand on both sides of the scale: the longest decides how far in it begins.
  const margin = Math.max(LEAST_MARGIN, ...ranked.map((method) => 18 + textRoom(nameOf(method, true), SIZE)))
  const width = SCALE + 2 * margin
  const x = (rank: number) => margin + ((rank - 1) / (highest - 1)) * SCALE
  const lanes = lanesOf(ranked.map(({ rank }) => x(rank)))
  const bars = test === undefined ? [] : cliques(ranked, test.criticalDifference)
  const below = axis + SPREAD + 14 + 8 * bars.length
  const half = Math.ceil(ranked.length / 2)
  const labels = ranked.flatMap((method, i) => {
    const left = i < half
    const y = below + 10 + LINE * (left ? i : ranked.length - 1 - i)
    return methodShapes(
      method,
      { x: x(method.rank), lane: lanes[i], axis },
      y,
      left ? margin - 10 : width - margin + 10,
    )
  })
  const height = below + 14 + LINE * half
  const shapes = [
    ...heading(title),
    ...scaleShapes(highest, x, axis),
    ...(test === undefined ? [] : criticalShapes(test.criticalDifference, x, axis)),
    ...labels,
    ...bars.map(([first, last], i): Shape => {
      const y = axis + SPREAD + 12 + 8 * i
      return line(lanes[first] - 3, y, lanes[last] + 3, y, 3)
    }),
  ]
  return { kind: 'drawing', title, width: Math.max(width, textRoom(title)), height, shapes }
}

/**
 * Returns the places at which the lines of the methods go down, at least `LANE` apart, so that no line hides another: the
 * ranks where these are far enough apart, else, by the pool-adjacent-violators algorithm, the nearest places to them.
 * @param ranks places of the ranks in CSS pixels, ascending
 */
export function lanesOf(ranks: readonly number[]): readonly number[] {
  // Of lines in one group, each is LANE to the right of the one before; `start` is the mean of their wanted places.
  const groups: { start: number; count: number }[] = []
  for (const [i, rank] of ranks.entries()) {
    groups.push({ start: rank - i * LANE, count: 1 })
    while (groups.length > 1 && groups[groups.length - 2].start > groups[groups.length - 1].start) {
      const [a, b] = groups.splice(-2)
      const count = a.count + b.count
      groups.push({ start: (a.count * a.start + b.count * b.start) / count, count })
    }
  }
  return groups.flatMap(({ start, count }) => Array<number>(count).fill(start)).map((start, i) => start + i * LANE)
}

/**
 * Returns the groups of methods whose ranks differ by at most the critical difference, each as the indices of its first
 * and last method. Groups that lie within a larger group are left out.
 * @param methods the methods, sorted by rank
 */
export function cliques(methods: readonly { readonly rank: number }[], criticalDifference: number): [number, number][] {
  const reach = methods.map(({ rank }) => methods.findLastIndex((other) => other.rank - rank <= criticalDifference))
  return reach.flatMap((last, first): [number, number][] =>
    last > first && (first === 0 || reach[first - 1] < last) ? [[first, last]] : [],
  )
}

function scaleShapes(highest: number, x: (rank: number) => number, axis: number): Shape[] {
  const every = Math.ceil((TICK_ROOM * (highest - 1)) / SCALE)
  const ranks = Array.from({ length: highest }, (_, i) => i + 1)
  const labelled = ranks.filter((rank) => (rank - 1) % every === 0)
  return [
    line(x(1), axis, x(highest), axis, 1),
    ...ranks.map((rank) => line(x(rank), axis - 5, x(rank), axis, 1)),
    ...labelled.map((rank): Shape => {
      return {
        kind: 'text',
        x: x(rank),
        y: axis - 13,
        text: String(rank),
        align: 'center',
        size: SIZE,
        colour: 'faint',
      }
    }),
  ]
}

/** Returns the shapes that show Nemenyi's critical difference: a line of that length above the scale of ranks. */
function criticalShapes(criticalDifference: number, x: (rank: number) => number, axis: number): Shape[] {
  const [start, end, y] = [x(1), x(1 + criticalDifference), axis - 32]
  const text = `critical difference ${criticalDifference.toFixed(2)}`
  return [
    line(start, y, end, y, 1.4),
    line(start, y - 4, start, y + 4, 1.4),
    line(end, y - 4, end, y + 4, 1.4),
    { kind: 'text', x: start, y: y - 12, text, align: 'left', size: SIZE, colour: 'ink' },
  ]
}

/** Returns the text beside a method's line: its name and its average rank, the rank next to the line. */
const nameOf = ({ label, rank }: Ranked, isLeft: boolean): string =>
  isLeft ? `${label}  ${rank.toFixed(2)}` : `${rank.toFixed(2)}  ${label}`

/**
 * Returns the shapes of one method: a line from its rank on the scale to its lane, down to `y` and across to `end`, and
 * a label there.
 */
function methodShapes(
  method: Ranked,
  { x, lane, axis }: { readonly x: number; readonly lane: number; readonly axis: number },
  y: number,
  end: number,
): Shape[] {
  const left = end < x
  return [
    {
      kind: 'path',
      path: `M${x},${axis} L${lane},${axis + SPREAD} V${y} H${end}`,
      colour: method.look.colour,
      width: 1.4,
    },
    {
      kind: 'text',
      x: left ? end - 4 : end + 4,
      y,
      text: nameOf(method, left),
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

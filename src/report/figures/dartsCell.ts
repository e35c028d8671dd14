/**
 * A cell of the DARTS space. Every chosen operation is a box of its own before the node that it feeds, so no two labels
 * can collide; columns are depths, rows are nodes.
 */
import type { Cell } from '../../spaces/darts/genotype.ts'
import type { Drawing, Ink, Shape } from '../pictures/drawing.ts'
import { heading } from './nb201Cell.ts'

const SIZE = 10.67
const BOX = { width: 84, height: 18 }
const NODE = 22
const LEFT = 46
const COLUMN = BOX.width + NODE + 46
const ROW = 52
const TOP = 26
const OUT = 80

const inks: Readonly<Record<string, Ink>> = {
  skip_connect: '#d55e00',
  max_pool_3x3: '#009e73',
  avg_pool_3x3: '#009e73',
  sep_conv_3x3: '#0072b2',
  sep_conv_5x5: '#0072b2',
  dil_conv_3x3: '#b8588f',
  dil_conv_5x5: '#b8588f',
}

interface Place {
  readonly x: number
  readonly y: number
}

export function dartsCellDrawing(cell: Cell, title: string): Drawing {
  const nodes = Array.from({ length: cell.length / 2 }, (_, i) => cell.slice(2 * i, 2 * i + 2))
  const depths = [0, 0]
  for (const inputs of nodes) depths.push(1 + Math.max(...inputs.map(({ from }) => depths[from])))
  const width = LEFT + Math.max(...depths) * COLUMN + OUT
  const height = TOP + nodes.length * ROW
  const middle = TOP + (nodes.length * ROW) / 2
  const places: Place[] = depths.map((depth, node) =>
    node < 2
      ? { x: LEFT, y: middle + (node === 0 ? -ROW : ROW) }
      : { x: LEFT + depth * COLUMN - NODE / 2, y: TOP + (node - 2 + 0.5) * ROW },
  )
  const out: Place = { x: width - 18, y: middle }
  const inputs = cell.map((input, i) => ({ ...input, to: 2 + (i >> 1), box: boxPlace(places[2 + (i >> 1)], i % 2) }))
  return {
    kind: 'drawing',
    title,
    width,
    height,
    shapes: [
      ...heading(title),
      ...places.slice(2).map(({ x, y }) => wire({ x: x + NODE / 2, y }, { x: out.x - 13, y: out.y }, 'faint', 0.8)),
      ...inputs.map(({ operation, from, box }) =>
        wire(rightOf(places[from], from), box, inks[operation] ?? 'ink', 1.4),
      ),
      ...inputs.map(({ operation, to, box }) =>
        wire(
          { x: box.x + BOX.width, y: box.y },
          { x: places[to].x - NODE / 2, y: places[to].y },
          inks[operation] ?? 'ink',
          1.4,
        ),
      ),
      ...inputs.flatMap(({ operation, box }) => operationShapes(operation, box)),
      ...places.flatMap((place, node) =>
        node < 2 ? inputShapes(place, node) : nodeShapes(place, String(node - 2), NODE),
      ),
      ...nodeShapes(out, 'c(k)', 28),
    ],
  }
}

/** Left middle of the first (upper) or second box before a node. */
const boxPlace = ({ x, y }: Place, position: number): Place => ({
  x: x - NODE / 2 - 14 - BOX.width,
  y: y + (position === 0 ? -11 : 11),
})

const rightOf = ({ x, y }: Place, node: number): Place => ({ x: node < 2 ? x : x + NODE / 2, y })

function wire(from: Place, to: Place, colour: Ink, width: number): Shape {
  const bend = Math.max(8, 0.45 * (to.x - from.x))
  const path = `M${from.x},${from.y} C${from.x + bend},${from.y} ${to.x - bend},${to.y} ${to.x},${to.y}`
  return { kind: 'path', path, colour, width }
}

function operationShapes(operation: string, { x, y }: Place): Shape[] {
  const box = { x, y: y - BOX.height / 2, ...BOX, radius: 4 }
  return [
    { kind: 'box', ...box, fill: 'paper', stroke: inks[operation] ?? 'ink' },
    { kind: 'text', x: x + BOX.width / 2, y, text: operation, align: 'center', size: SIZE, colour: 'ink' },
  ]
}

const inputShapes = ({ x, y }: Place, node: number): Shape[] => [
  { kind: 'box', x: x - LEFT, y: y - 11, width: LEFT, height: 22, radius: 4, fill: 'tint', stroke: 'faint' },
  {
    kind: 'text',
    x: x - LEFT / 2,
    y,
    text: node === 0 ? 'c(k−2)' : 'c(k−1)',
    align: 'center',
    size: SIZE,
    colour: 'ink',
  },
]

const nodeShapes = ({ x, y }: Place, text: string, size: number): Shape[] => [
  {
    kind: 'box',
    x: x - size / 2,
    y: y - NODE / 2,
    width: size,
    height: NODE,
    radius: 11,
    fill: 'tint',
    stroke: 'faint',
  },
  { kind: 'text', x, y, text, align: 'center', size: SIZE, colour: 'ink' },
]

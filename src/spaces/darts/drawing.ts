/**
 * Draws the cells of an architecture of the DARTS space. Every chosen operation is a box to the left of the node that
 * it feeds, so that labels cannot collide. A node's column is its depth in the cell; every node has its own row. A row
 * is thus empty left of its node's boxes and right of its node, and lines that pass other columns run there: a line
 * changes its row only between two columns, and none runs behind a box.
 */

import { type Drawing, heading, type Ink, LABEL_SIZE, type Shape, textRoom } from '../../core/drawing.ts'
import type { Cell } from './genotype.ts'
import { nodeName } from './topology.ts'

const BOX = { width: 70, height: 18 }
const NODE = 22
const LEFT = 42
/** Space between an operation's box and the node that it feeds, and between two columns. */
const LINK = 12
const BETWEEN = 42
const COLUMN = BETWEEN + BOX.width + LINK + NODE
const ROW = 48
const TOP = 26
const OUT = BETWEEN + 30

/** Colours of the operations; none is the colour of a method in the figures of reports. */
const inks: Readonly<Record<string, Ink>> = {
  skip_connect: '#c2476a',
  max_pool_3x3: '#5f9a8f',
  avg_pool_3x3: '#5f9a8f',
  sep_conv_3x3: '#4a6fb5',
  sep_conv_5x5: '#4a6fb5',
  dil_conv_3x3: '#8a76b8',
  dil_conv_5x5: '#8a76b8',
}

const names: Readonly<Record<string, string>> = {
  skip_connect: 'skip',
  max_pool_3x3: 'max pool 3×3',
  avg_pool_3x3: 'avg pool 3×3',
  sep_conv_3x3: 'sep conv 3×3',
  sep_conv_5x5: 'sep conv 5×5',
  dil_conv_3x3: 'dil conv 3×3',
  dil_conv_5x5: 'dil conv 5×5',
}

/** A point of a cell's drawing, in CSS pixels. */
interface Place {
  readonly x: number
  readonly y: number
}

/** Draws one cell of an architecture of the DARTS space, with a title above it. */
export function dartsCellDrawing(cell: Cell, title: string): Drawing {
  const { places, out, width, height } = placesOf(cell)
  const inputs = cell.flatMap(({ operation, from }, i): DrawnInput[] => {
    const to = places[nodeOf(i)]
    return operation === 'none' ? [] : [{ operation, from: rightOf(places[from], from), box: boxPlace(to, i % 2), to }]
  })
  const shapes = [
    ...heading(title),
    ...places.slice(2).map(({ x, y }) => outputWire({ x: x + NODE / 2, y }, { x: out.x - 13, y: out.y })),
    ...inputs.map(wireIn),
    ...inputs.map(wireOut),
    ...inputs.flatMap(({ operation, box }) => operationShapes(operation, box)),
    ...places.flatMap((place, node) => (node < 2 ? inputShapes(place, node) : nodeShapes(place, nodeName(node), NODE))),
    ...nodeShapes(out, 'c(k)', 28),
  ]
  return { kind: 'drawing', title, width: Math.max(width, textRoom(title)), height, shapes }
}

/** An input of a cell's node: an operation and the node it takes, with the positions at which they are drawn. */
interface DrawnInput {
  readonly operation: string
  readonly from: Place
  /** The middle of the left side of the box that contains the operation's name. */
  readonly box: Place
  readonly to: Place
}

/** Returns the node that the cell's input number 0 … 7 feeds: two inputs per node, from node 2 on. */
const nodeOf = (input: number): number => 2 + (input >> 1)

/**
 * Computes where the nodes (the two inputs of the cell first) and the output of a cell are drawn, and the picture's
 * size.
 */
function placesOf(cell: Cell) {
  const depths = [0, 0]
  for (let i = 0; i < cell.length; i += 2) {
    const inputs = cell.slice(i, i + 2).filter(({ operation }) => operation !== 'none')
    depths.push(1 + Math.max(0, ...inputs.map(({ from }) => depths[from])))
  }
  const [width, height] = [LEFT + Math.max(...depths) * COLUMN + OUT, TOP + (depths.length - 2) * ROW]
  const middle = (TOP + height) / 2
  const places = depths.map(
    (depth, node): Place =>
      node < 2
        ? { x: LEFT, y: middle + (node === 0 ? -ROW : ROW) }
        : { x: LEFT + depth * COLUMN - NODE / 2, y: TOP + (node - 2 + 0.5) * ROW },
  )
  const out: Place = { x: width - 17, y: middle }
  return { places, out, width, height }
}

const inkOf = (operation: string): Ink => inks[operation] ?? 'ink'

/** Returns the line from an input's node to its box: at once to the box's height, and then straight on. */
const wireIn = ({ operation, from, box }: DrawnInput): Shape => ({
  kind: 'path',
  path: `M${from.x},${from.y} ${curve(from, { x: from.x + BETWEEN, y: box.y })} H${box.x}`,
  colour: inkOf(operation),
  width: 1.4,
})

function wireOut({ operation, box, to }: DrawnInput): Shape {
  const from = { x: box.x + BOX.width, y: box.y }
  const path = `M${from.x},${from.y} ${curve(from, { x: to.x - NODE / 2, y: to.y })}`
  return { kind: 'path', path, colour: inkOf(operation), width: 1.4 }
}

/** Returns the line from a node to the cell's output: straight on past all columns, and then to the output's height. */
function outputWire(from: Place, to: Place): Shape {
  const turn = { x: to.x - BETWEEN, y: from.y }
  return { kind: 'path', path: `M${from.x},${from.y} H${turn.x} ${curve(turn, to)}`, colour: 'faint', width: 0.8 }
}

/** Returns the middle of the left side of the upper (0) or lower (1) operation box to the left of a node. */
const boxPlace = ({ x, y }: Place, position: number): Place => ({
  x: x - NODE / 2 - LINK - BOX.width,
  y: y + (position === 0 ? -11 : 11),
})

const rightOf = ({ x, y }: Place, node: number): Place => ({ x: node < 2 ? x : x + NODE / 2, y })

/** Returns the part of a path that leads from one place to another, and begins and ends horizontally. */
function curve(from: Place, to: Place): string {
  const reach = 0.6 * (to.x - from.x)
  return `C${from.x + reach},${from.y} ${to.x - reach},${to.y} ${to.x},${to.y}`
}

function operationShapes(operation: string, { x, y }: Place): Shape[] {
  const box = { x, y: y - BOX.height / 2, ...BOX, radius: 4 }
  return [
    { kind: 'box', ...box, fill: 'paper', stroke: inkOf(operation) },
    {
      kind: 'text',
      x: x + BOX.width / 2,
      y,
      text: names[operation] ?? operation,
      align: 'center',
      size: LABEL_SIZE,
      colour: 'ink',
    },
  ]
}

const inputShapes = ({ x, y }: Place, node: number): Shape[] => [
  { kind: 'box', x: x - LEFT, y: y - 11, width: LEFT, height: 22, radius: 4, fill: 'tint', stroke: 'faint' },
  {
    kind: 'text',
    x: x - LEFT / 2,
    y,
    text: nodeName(node),
    align: 'center',
    size: LABEL_SIZE,
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
  { kind: 'text', x, y, text, align: 'center', size: LABEL_SIZE, colour: 'ink' },
]

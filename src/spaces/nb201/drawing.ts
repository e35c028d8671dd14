/** Draws the cell of a NAS-Bench-201 architecture: four nodes in a line, and six edges as arcs that do not cross. */

import { type Drawing, heading, type Ink, LABEL_SIZE, type Shape, textRoom } from '../../core/drawing.ts'
import type { Nb201Genotype } from './genotype.ts'
import { EDGES, nodeName } from './topology.ts'

const WIDTH = 380
const HEIGHT = 206
const LINE = 118
const RADIUS = 13

/** Returns the x coordinate of the centre of a node in the drawing, in CSS pixels. */
const nodeX = (node: number) => 32 + (node * (WIDTH - 64)) / 3

/**
 * Height in CSS pixels of the arc that draws an edge: upwards (negative) for 0→2 and 0→3, downwards for 1→3, straight
 * lines otherwise.
 */
const bulges: Readonly<Record<string, number>> = { '0→2': -48, '0→3': -86, '1→3': 52 }

/** Colours of the operations; none is the colour of a method in the figures of reports. */
const inks: Readonly<Record<string, Ink>> = {
  none: 'faint',
  skip_connect: '#c2476a',
  nor_conv_1x1: '#8fb0de',
  nor_conv_3x3: '#4a6fb5',
  avg_pool_3x3: '#5f9a8f',
}

/** Draws the cell of a NAS-Bench-201 architecture, with a title above it. */
export function nb201CellDrawing({ operations }: Nb201Genotype, title: string): Drawing {
  const edges = EDGES.flatMap(({ from, to }, i) => edgeShapes(from, to, operations[i]))
  const nodes = [0, 1, 2, 3].flatMap(nodeShapes)
  const width = Math.max(WIDTH, textRoom(title))
  return { kind: 'drawing', title, width, height: HEIGHT, shapes: [...heading(title), ...edges, ...nodes] }
}

function edgeShapes(from: number, to: number, operation: string): Shape[] {
  const [start, end] = [nodeX(from) + RADIUS, nodeX(to) - RADIUS - 5]
  const bulge = bulges[`${from}→${to}`] ?? 0
  const colour = inks[operation] ?? 'ink'
  const absent = operation === 'none'
  const middle = (nodeX(from) + nodeX(to)) / 2
  const [startY, endY] = [LINE + Math.sign(bulge) * 6, LINE + Math.sign(bulge) * 7]
  const control = 0.28 * (end - start)
  const curve = `M${start},${startY} C${start + control},${startY + bulge / 0.75} ${end - control},${endY + bulge / 0.75} ${end},${endY}`
  const label = labelShapes(shortName(operation), middle, LINE + Math.sign(bulge) * 6 + bulge, absent ? 'faint' : 'ink')
  return absent
    ? [{ kind: 'path', path: curve, colour: 'faint', width: 0.8, dash: [2, 3] }, ...label]
    : [
        { kind: 'path', path: curve, colour, width: 1.8 },
        { kind: 'fill', path: arrowHead(end, endY, -bulge / 0.75, control), colour },
        ...label,
      ]
}

/** Draws a label (operation name) on a background rectangle, so that the line behind the text is interrupted. */
function labelShapes(text: string, x: number, y: number, colour: Ink): Shape[] {
  const width = 0.42 * LABEL_SIZE * text.length + 8
  return [
    { kind: 'box', x: x - width / 2, y: y - 7, width, height: 14, radius: 0, fill: 'paper', stroke: 'paper' },
    { kind: 'text', x, y, text, align: 'center', size: LABEL_SIZE, colour },
  ]
}

/**
 * Returns the SVG path of an arrow head. Its tip lies 5 px beyond (x, y), where a curve ends with the slope rise/run.
 */
function arrowHead(x: number, y: number, rise: number, run: number): string {
  const length = Math.hypot(rise, run)
  const [dx, dy] = [run / length, rise / length]
  const at = (along: number, across: number) => `${x + along * dx - across * dy},${y + along * dy + across * dx}`
  return `M${at(6, 0)} L${at(-2, 3.8)} L${at(-2, -3.8)} Z`
}

function nodeShapes(node: number): Shape[] {
  const box = { x: nodeX(node) - RADIUS, y: LINE - RADIUS, width: 2 * RADIUS, height: 2 * RADIUS, radius: RADIUS }
  return [
    { kind: 'box', ...box, fill: 'tint', stroke: 'faint' },
    { kind: 'text', x: nodeX(node), y: LINE, text: nodeName(node), align: 'center', size: LABEL_SIZE, colour: 'ink' },
  ]
}

const names: Readonly<Record<string, string>> = {
  skip_connect: 'skip',
  nor_conv_1x1: 'conv 1×1',
  nor_conv_3x3: 'conv 3×3',
  avg_pool_3x3: 'avg pool 3×3',
}
const shortName = (operation: string) => names[operation] ?? operation

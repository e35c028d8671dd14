import { expect, test } from 'vitest'
import type { Drawing, Shape } from '../../../src/core/drawing.ts'
import { random } from '../../../src/core/random.ts'
import { dartsCellDrawing } from '../../../src/spaces/darts/drawing.ts'
import type { Cell } from '../../../src/spaces/darts/genotype.ts'
import { OPERATIONS } from '../../../src/spaces/darts/topology.ts'

type Box = Shape & { readonly kind: 'box' }

/** Returns points along a path of the commands M, C and H. */
function pointsOf(path: string): [number, number][] {
  let [x, y] = [0, 0]
  return [...path.matchAll(/([MCH])([^MCH]*)/g)].flatMap(([, command, text]): [number, number][] => {
    const numbers = text.trim().split(/[ ,]+/).map(Number)
    const [fromX, fromY] = [x, y]
    ;[x, y] = command === 'H' ? [numbers[0], y] : (numbers.slice(-2) as [number, number])
    if (command === 'M') return []
    const [ax, ay, bx, by] = command === 'C' ? numbers : [fromX, y, x, y]
    return Array.from({ length: 101 }, (_, i) => {
      const [t, s] = [i / 100, 1 - i / 100]
      const at = (p: number, q: number, r: number, e: number) =>
        s ** 3 * p + 3 * s * s * t * q + 3 * s * t * t * r + t ** 3 * e
      return [at(fromX, ax, bx, x), at(fromY, ay, by, y)]
    })
  })
}

const boxesOf = ({ shapes }: Drawing) => shapes.filter((shape): shape is Box => shape.kind === 'box')

/** Returns whether a point lies inside a box, and not only at its border. */
const isInside = ([x, y]: readonly [number, number], box: Box) =>
  x > box.x + 1.5 && x < box.x + box.width - 1.5 && y > box.y + 1.5 && y < box.y + box.height - 1.5

/** Returns a cell whose operations and inputs are drawn at random. */
function randomCell(seed: number): Cell {
  const stream = random(seed, 'drawing')
  return Array.from({ length: 8 }, (_, i) => {
    const first = stream.integer(2 + (i >> 1))
    return { operation: stream.choice(OPERATIONS), from: i % 2 === 0 ? first : (first + 1) % (2 + (i >> 1)) }
  }) as unknown as Cell
}

/** Returns the points of a drawing's lines that lie inside a box or outside the picture. */
function misplaced(drawing: Drawing) {
  const boxes = boxesOf(drawing)
  const isOutside = ([x, y]: readonly [number, number]) => x < 0 || x > drawing.width || y < 0 || y > drawing.height
  return drawing.shapes
    .flatMap((shape) => (shape.kind === 'path' ? pointsOf(shape.path) : []))
    .filter((point) => isOutside(point) || boxes.some((box) => isInside(point, box)))
}

test('no line of a DARTS cell runs behind a box or leaves the picture', () => {
  for (let seed = 0; seed < 60; seed++) {
    expect(misplaced(dartsCellDrawing(randomCell(seed), 'a cell')), `cell ${seed}`).toEqual([])
  }
})

test('operations of a DARTS cell are named as people say them', () => {
  const words = dartsCellDrawing(randomCell(1), '').shapes.flatMap((shape) => (shape.kind === 'text' ? shape.text : []))
  expect(words.join()).not.toMatch(/_/)
  expect(words.join()).toMatch(/3×3|5×5|skip/)
})

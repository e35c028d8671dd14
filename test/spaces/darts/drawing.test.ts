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

test.each(Array.from({ length: 200 }, (_, seed) => seed))(
  'no line of a DARTS cell runs behind a box: cell %i',
  (seed) => {
    const drawing = dartsCellDrawing(randomCell(seed), 'a cell')
    const boxes = boxesOf(drawing)
    for (const shape of drawing.shapes) {
      if (shape.kind !== 'path') continue
      for (const point of pointsOf(shape.path)) {
        expect(boxes.filter((box) => isInside(point, box))).toEqual([])
        expect(point[0] >= 0 && point[0] <= drawing.width && point[1] >= 0 && point[1] <= drawing.height).toBe(true)
      }
    }
  },
)

test('operations of a DARTS cell are named as people say them', () => {
  const words = dartsCellDrawing(randomCell(1), '').shapes.flatMap((shape) => (shape.kind === 'text' ? shape.text : []))
  expect(words.join()).not.toMatch(/_/)
  expect(words.join()).toMatch(/3×3|5×5|skip/)
})

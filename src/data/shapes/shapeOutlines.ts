/** Five outlines inside the unit disc, as signed distances: negative inside, about one unit per unit outside. */

export interface Outline {
  readonly name: string
  /** Signed distance of a point to the outline. */
  distance(x: number, y: number): number
}

export const OUTLINES: readonly Outline[] = [
  { name: 'disc', distance: (x, y) => radius(x, y) - 0.8 },
  { name: 'square', distance: (x, y) => box(x, y, 0.7, 0.7) },
  { name: 'triangle', distance: triangle },
  { name: 'ring', distance: (x, y) => Math.abs(radius(x, y) - 0.7) - 0.22 },
  { name: 'cross', distance: (x, y) => Math.min(box(x, y, 0.95, 0.28), box(x, y, 0.28, 0.95)) },
]

/** Distance to an axis-parallel rectangle of half sides a and b, by its farther side. */
function box(x: number, y: number, a: number, b: number): number {
  return Math.max(Math.abs(x) - a, Math.abs(y) - b)
}

/** Equilateral, corners on the unit circle: the farthest of three sides, each half a unit from the centre. */
function triangle(x: number, y: number): number {
  const slanted = (Math.sqrt(3) / 2) * Math.abs(x) + y / 2
  return Math.max(slanted, -y) - 0.5
}

/** Math.hypot guards against overflow, which costs more than all the rest of a pixel. */
function radius(x: number, y: number): number {
  return Math.sqrt(x * x + y * y)
}

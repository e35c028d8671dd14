/** Architectures that no other beats in both of two numbers. */
import type { NumberColumn } from './columns.ts'

export type Better = 'lower' | 'higher'

export interface Objective {
  readonly column: NumberColumn
  readonly better: Better
}

export interface FrontPoint {
  readonly row: number
  readonly x: number
  readonly y: number
}

/** Every row that has both numbers. */
export function pointsOf(rows: number, x: NumberColumn, y: NumberColumn): FrontPoint[] {
  return Array.from({ length: rows }, (_, row) => ({ row, x: x.at(row), y: y.at(row) })).filter(
    (point): point is FrontPoint => point.x !== undefined && point.y !== undefined,
  )
}

/** The points that no other equals in one and beats in the other, the best in x first; of equal points the first. */
export function paretoFront<P extends { readonly x: number; readonly y: number }>(
  points: readonly P[],
  x: Better,
  y: Better,
): P[] {
  const [signX, signY] = [x, y].map((better) => (better === 'lower' ? 1 : -1))
  let best = Number.POSITIVE_INFINITY
  return points
    .toSorted((a, b) => signX * (a.x - b.x) || signY * (a.y - b.y))
    .filter((point) => {
      const better = signY * point.y < best
      if (better) best = signY * point.y
      return better
    })
}

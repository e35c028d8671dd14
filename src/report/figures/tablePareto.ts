/** All architectures of a table by two of their numbers, and those that no other beats in both. */
import { grouped } from '../../core/plainText.ts'
import { isAccuracy } from '../../tables/columnNames.ts'
import type { FrontPoint } from '../../tables/query.ts'
import { type Figure, type Point, scaleFor } from '../pictures/figure.ts'

const cloudLook = { colour: '#9aa6b2', dash: [], marker: 'circle' } as const
const frontLook = { colour: '#c2410c', dash: [], marker: 'circle' } as const

export interface TablePareto {
  readonly table: string
  readonly x: string
  readonly y: string
  readonly points: readonly FrontPoint[]
  readonly front: readonly FrontPoint[]
  arch(row: number): string
}

export function tableParetoFigure({ table, x, y, points, front, arch }: TablePareto): Figure {
  const noted = ({ row, x: at, y: height }: FrontPoint): Point => ({ x: at, y: height, note: arch(row) })
  return {
    name: 'pareto',
    caption: `The ${grouped(points.length)} architectures of ${table} that have both numbers; the line joins the ${front.length} that no other beats in both.`,
    columns: 1,
    panels: [
      {
        kind: 'plot',
        title: table,
        x: { label: withUnit(x), scale: scaleFor(points.map((point) => point.x)) },
        y: { label: withUnit(y), scale: 'linear' },
        series: [
          {
            label: 'all',
            look: cloudLook,
            form: 'cloud',
            points: points.map(({ x: at, y: height }) => ({ x: at, y: height })),
          },
          { label: 'front', look: frontLook, form: 'steps', points: front.map(noted) },
        ],
      },
    ],
  }
}

/** Other columns have it in their names, as `params-M`. */
const withUnit = (column: string): string => (isAccuracy(column) ? `${column} (%)` : column)

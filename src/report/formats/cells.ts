/** Cells as people read them. */
import type { Cell, NumberCell, Statistic } from './tabular.ts'

export const ABSENT = '—'

/** `93.76 ± 0.21`; the deviation of a single value is —. */
export function cellText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return cell.text
    case 'number':
      return numberText(cell)
    case 'statistic':
      return `${cell.mean.toFixed(cell.digits)} ± ${deviationText(cell)}`
    case 'absent':
      return ABSENT
  }
}

/** All digits, of a statistic its mean, and nothing where nothing is known: as programs read and sort it. */
export function exactText(cell: Cell): string {
  switch (cell.kind) {
    case 'text':
      return cell.text
    case 'number':
      return String(cell.value)
    case 'statistic':
      return String(cell.mean)
    case 'absent':
      return ''
  }
}

/** Digits after the point for a number of any size: `least`, and as many more as two significant digits need. */
export const digitsFor = (value: number, least: number): number =>
  value === 0 || !Number.isFinite(value) ? least : Math.max(least, 1 - Math.floor(Math.log10(Math.abs(value))))

export function numberText({ value, digits, positive = false }: NumberCell): string {
  const text = value.toFixed(digits)
  return positive && Number(text) === 0 ? `< ${(10 ** -digits).toFixed(digits)}` : text
}

const deviationText = ({ std, digits }: Statistic): string => std?.toFixed(digits) ?? ABSENT

/** Columns whose cells are all words are set flush left, the others flush right. */
export const isWords = (cells: readonly Cell[]): boolean => cells.every((cell) => cell.kind === 'text')

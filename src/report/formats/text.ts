/** Prints a table with aligned columns for a terminal. Long titles and notes are broken into several lines. */

import { type Cell, cellText, isWords, type Tabular, type TabularColumn } from './tabular.ts'

/** A column title is broken into lines if it is wider than this many characters and than the cells below it. */
const TITLE_WIDTH = 16
const NOTE_WIDTH = 110
const GAP = 2

/**
 * Returns a table as text for a terminal.
 * @param width width of the terminal in characters; optional columns that do not fit are left out, and a note says how
 * many; if the others do not fit either, they stand in several blocks of rows, each beginning with the first column,
 * unless one of them is too wide even for a block of its own
 */
export function renderText(table: Tabular, width = Number.POSITIVE_INFINITY): string {
  const set = table.columns.map((column, i) =>
    setColumn(
      column,
      table.rows.map((row) => row[i]),
    ),
  )
  const shown = fitting(table.columns, set, width)
  const blocks = blocksOf(shown, width).flatMap((block, i) => [...(i > 0 ? [''] : []), ...linesOf(block)])
  const notes = [...table.notes, ...leftOut(set.length - shown.length, width)]
  const below = notes.flatMap((note) => fold(note, Math.min(NOTE_WIDTH, width)))
  const { purpose = '', lines: next = [] } = table.commands ?? {}
  const commands =
    next.length === 0 ? [] : ['', ...fold(`${purpose}:`, NOTE_WIDTH), ...next.map((command) => `  ${command}`)]
  const lines = [...blocks, ...(below.length > 0 ? ['', ...below] : []), ...commands]
  return lines.map((text) => `${text.trimEnd()}\n`).join('')
}

/** A table column ready to be printed: its texts, its width in characters and its alignment. */
interface SetColumn {
  /** Title of the printed column, broken into lines. */
  readonly title: readonly string[]
  readonly cells: readonly string[]
  readonly width: number
  align(text: string): string
}

function setColumn({ title: text }: TabularColumn, content: readonly Cell[]): SetColumn {
  const cells = content.map(cellText)
  const cellWidth = widest(cells)
  const title = fold(text, Math.max(TITLE_WIDTH, cellWidth), /(?= )|(?<=\/)/)
  const width = Math.max(cellWidth, widest(title))
  const isLeft = isWords(content)
  return { title, cells, width, align: (part) => (isLeft ? part.padEnd(width) : part.padStart(width)) }
}

/** Returns the lines of columns side by side: their titles, a rule, and the rows. */
function linesOf(columns: readonly SetColumn[]): string[] {
  const height = Math.max(0, ...columns.map(({ title }) => title.length))
  const line = (texts: readonly string[]) => columns.map(({ align }, i) => align(texts[i])).join(' '.repeat(GAP))
  const head = Array.from({ length: height }, (_, at) =>
    line(columns.map(({ title }) => title[at - height + title.length] ?? '')),
  )
  const rule = columns.map((column) => '─'.repeat(column.width)).join('─'.repeat(GAP))
  const rows = columns[0]?.cells.map((_, row) => line(columns.map(({ cells }) => cells[row]))) ?? []
  return [...head, rule, ...rows]
}

/**
 * Returns the columns in blocks that fit into the width of the terminal, each beginning with the first column; all
 * together if one of them does not fit beside the first, so that the terminal breaks lines anyway.
 */
function blocksOf(columns: readonly SetColumn[], most: number): readonly (readonly SetColumn[])[] {
  const [first, ...others] = columns
  if (first === undefined || others.some((column) => widthOf([first, column]) > most)) return [columns]
  const blocks = [[first]]
  for (const column of others) {
    const last = blocks[blocks.length - 1]
    if (last.length === 1 || widthOf([...last, column]) <= most) last.push(column)
    else blocks.push([first, column])
  }
  return blocks
}

const widthOf = (columns: readonly SetColumn[]): number => columns.reduce((sum, { width }) => sum + width + GAP, -GAP)

const widest = (texts: readonly string[]): number => texts.reduce((most, { length }) => Math.max(most, length), 0)

/**
 * Returns the columns that fit side by side into the width of the terminal. While they do not fit, the column whose
 * `optional` is highest is left out.
 */
function fitting(columns: readonly TabularColumn[], set: readonly SetColumn[], most: number): readonly SetColumn[] {
  const left = new Set(set.keys())
  const dispensable = [...left]
    .filter((i) => columns[i].optional !== undefined)
    .sort((a, b) => Number(columns[b].optional) - Number(columns[a].optional))
  for (const i of dispensable) {
    if (widthOf([...left].map((i) => set[i])) <= most) break
    left.delete(i)
  }
  return set.filter((_, i) => left.has(i))
}

function leftOut(count: number, width: number): readonly string[] {
  if (count === 0) return []
  const columns = count === 1 ? 'one more column does' : `${count} more columns do`
  return [`${columns} not fit ${width} characters; --format csv has all`]
}

/**
 * Matches a blank at which a text may be broken into lines: any blank outside backquotes, which enclose commands that
 * must stay on one line.
 */
const BLANKS = /(?= (?:[^`]*`[^`]*`)*[^`]*$)/

/**
 * Returns a text broken into lines of at most `width` characters; a longer piece that cannot be broken is a line of its
 * own.
 */
export function fold(text: string, width: number, breaks = BLANKS): string[] {
  const lines: string[] = []
  for (const piece of text.split(breaks)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + piece.length <= width) lines[lines.length - 1] = last + piece
    else lines.push(piece.trimStart())
  }
  return lines
}

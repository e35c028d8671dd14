/**
 * Genotypes as text: the literature's Python notation, `Genotype(normal=[('sep_conv_3x3', 1), …],
 * normal_concat=range(2, 6), reduce=[…], reduce_concat=range(2, 6))`, and JSON with the same four fields.
 */
import { BenchError } from '../../core/errors.ts'
import { type Cell, CONCAT, type DartsCandidates, type DartsGenotype, readCell } from './genotype.ts'
import { CELLS, type CellName } from './topology.ts'

/** The literature's notation, on one line. */
export function format({ normal, reduce }: DartsGenotype): string {
  const pairs = (cell: Cell) => cell.map(({ operation, from }) => `('${operation}', ${from})`).join(', ')
  const concat = `range(${CONCAT[0]}, ${CONCAT[0] + CONCAT.length})`
  return `Genotype(normal=[${pairs(normal)}], normal_concat=${concat}, reduce=[${pairs(reduce)}], reduce_concat=${concat})`
}

/** The same as JSON: pairs and concatenated nodes as lists. */
export function formatJson({ normal, reduce }: DartsGenotype): string {
  const pairs = (cell: Cell) => cell.map(({ operation, from }) => [operation, from])
  return JSON.stringify({
    normal: pairs(normal),
    normal_concat: CONCAT,
    reduce: pairs(reduce),
    reduce_concat: CONCAT,
  })
}

/** @throws BenchError `bad-input` that says which part is wrong, and what is allowed there */
export function parse(space: DartsCandidates, text: string): DartsGenotype {
  const fields = readFields(space, text.trim())
  for (const cell of CELLS) checkConcat(space, cell, fields[`${cell}_concat`])
  return {
    space: space.name,
    normal: readCell(space, 'normal', fields.normal),
    reduce: readCell(space, 'reduce', fields.reduce),
  }
}

function readFields(space: DartsCandidates, text: string): Readonly<Record<string, unknown>> {
  const python = /^(?:\w+\s*=\s*)?Genotype\s*\((.*)\)$/s.exec(text)
  try {
    const fields: unknown = JSON.parse(python === null ? text : jsonOf(python[1]))
    if (typeof fields === 'object' && fields !== null) return fields as Record<string, unknown>
  } catch {
    // reported below, like everything else that is no genotype
  }
  const found = text.length > 60 ? `${text.slice(0, 60)}…` : text
  throw new BenchError(
    'bad-input',
    `${space.name} genotype: cannot read "${found}"; expected Genotype(normal=[('sep_conv_3x3', 0), …], ` +
      'normal_concat=range(2, 6), reduce=[…], reduce_concat=range(2, 6)), the same as JSON, or the name of a published one',
  )
}

/** Python keyword arguments of lists, tuples, ranges, strings and numbers → a JSON object. */
function jsonOf(keywords: string): string {
  const json = keywords
    .replace(/(?:list\s*\(\s*)?range\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)(?:\s*\))?(?=\s*(?:,|$))/g, (_, from, to) =>
      JSON.stringify(Array.from({ length: to - from }, (_, i) => Number(from) + i)),
    )
    .replace(/(\w+)\s*=/g, '"$1":')
    .replaceAll("'", '"')
    .replaceAll('(', '[')
    .replaceAll(')', ']')
    .replace(/,(?=\s*(?:\]|$))/g, '')
  return `{${json}}`
}

/** Every published cell of this space concatenates nodes 2 to 5; a missing field says nothing else. */
function checkConcat(space: DartsCandidates, cell: CellName, nodes: unknown): void {
  if (nodes === undefined || JSON.stringify(nodes) === JSON.stringify(CONCAT)) return
  throw new BenchError(
    'bad-input',
    `${space.name} genotype, ${cell} cell: concatenates nodes ${JSON.stringify(nodes)}, expected ${JSON.stringify(CONCAT)}`,
  )
}

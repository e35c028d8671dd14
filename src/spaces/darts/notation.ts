/**
 * Genotypes of the DARTS space as text: the Python notation of the papers' code, `Genotype(normal=[('sep_conv_3x3', 1),
 * …], normal_concat=range(2, 6), reduce=[…], reduce_concat=range(2, 6))`, and JSON with the same four fields. The
 * parser accepts the forms in which people paste genotypes: with comments, from a log, with positional fields, as a
 * dict, node by node (`pt.darts`, AutoDL), with weights beside the pairs, with NumPy numbers.
 */
import { BenchError } from '../../core/errors.ts'
import { type Cell, CONCAT, type DartsCandidates, type DartsGenotype, readCell } from './genotype.ts'
import {
  ExpressionError,
  isDict,
  type PythonCall,
  type PythonValue,
  placeIn,
  readExpression,
} from './pythonExpression.ts'
import { CELLS, type CellName } from './topology.ts'

/** Formats a genotype in the Python notation of the papers' code, on one line. */
export function format({ normal, reduce }: DartsGenotype): string {
  const pairs = (cell: Cell) => cell.map(({ operation, from }) => `('${operation}', ${from})`).join(', ')
  const concat = `range(${CONCAT[0]}, ${CONCAT[0] + CONCAT.length})`
  return `Genotype(normal=[${pairs(normal)}], normal_concat=${concat}, reduce=[${pairs(reduce)}], reduce_concat=${concat})`
}

/** Formats a genotype as JSON: the pairs [operation, node] and the concatenated nodes are lists. */
export function formatJson({ normal, reduce }: DartsGenotype): string {
  const pairs = (cell: Cell) => cell.map(({ operation, from }) => [operation, from])
  return JSON.stringify({
    normal: pairs(normal),
    normal_concat: CONCAT,
    reduce: pairs(reduce),
    reduce_concat: CONCAT,
  })
}

/**
 * Parses the genotype in a text. It may stand anywhere in the text, and several times.
 * @throws BenchError `bad-input` that says which part is wrong and what is allowed there; also for a text without a
 * genotype, and for a text with different genotypes
 */
export function parse(space: DartsCandidates, text: string): DartsGenotype {
  const found = new Map<string, { readonly genotype: DartsGenotype; readonly at: number }>()
  for (const [at, fields] of writtenIn(space, text)) {
    const genotype = genotypeOf(space, fields)
    const key = format(genotype)
    if (!found.has(key)) found.set(key, { genotype, at })
  }
  const [first, ...others] = found.values()
  if (first === undefined) throw noGenotype(space, text)
  if (others.length === 0) return first.genotype
  const [begin, end] = [first, others[others.length - 1]].map(({ at }) => placeIn(text, at))
  throw new BenchError(
    'bad-input',
    `${space.name} genotype: found ${found.size} different ones, the first at ${begin}, the last at ${end}; keep one`,
  )
}

/** The four fields of a written genotype (`normal`, `normal_concat`, …) by name. */
type Fields = ReadonlyMap<string, PythonValue>

/** Yields every genotype in a text: the position where it begins, and its fields. */
function* writtenIn(space: DartsCandidates, text: string): Generator<readonly [at: number, fields: Fields]> {
  const beginnings = beginningsIn(text)
  for (const at of beginnings) yield [at, fieldsOf(readAt(space, text, at))]
  if (beginnings.length === 0) yield* assignments(space, text)
}

/**
 * Finds the positions in a text at which genotypes begin: at calls of `Genotype` (not at the definition of that class);
 * if there is none, at dicts that begin with a cell, or at a dict that is the whole text.
 */
function beginningsIn(text: string): number[] {
  const of = (pattern: RegExp) => Array.from(text.matchAll(pattern), ({ index }) => index)
  const calls = of(/(?<!class\s+)\bGenotype\s*\(/g)
  if (calls.length > 0) return calls
  const cell = `["']?(?:normal|reduce)(?:_concat)?\\b`
  const dicts = of(
    new RegExp(`\\bdict\\s*\\(\\s*${cell}|\\bOrderedDict\\s*\\(\\s*\\[\\s*\\(\\s*${cell}|\\{\\s*${cell}`, 'g'),
  )
  return dicts.length > 0 ? dicts : of(/(?<=^\s*)\{/g)
}

/**
 * Finds the two cells in a text that assigns them, `normal = [...]` and `reduce = [...]`, on separate lines or after a
 * comma. Yields nothing if one of the cells is missing.
 */
function* assignments(space: DartsCandidates, text: string): Generator<readonly [at: number, fields: Fields]> {
  const places = FIELDS.map((field) => Array.from(text.matchAll(new RegExp(`(?<![\\w."'])${field}\\s*[=:]`, 'g'))))
  if (places.some((matches) => matches.length > 1) || places[0].length + places[2].length < 2) return
  const values = places.flatMap(([match], i) =>
    match === undefined ? [] : [[FIELDS[i], readAt(space, text, match.index + match[0].length)] as const],
  )
  yield [places[0][0].index, new Map(values)]
}

function genotypeOf(space: DartsCandidates, fields: Fields): DartsGenotype {
  for (const cell of CELLS) checkConcat(space, cell, fields.get(`${cell}_concat`))
  return {
    space: space.name,
    normal: readCell(space, 'normal', fields.get('normal')),
    reduce: readCell(space, 'reduce', fields.get('reduce')),
  }
}

function readAt(space: DartsCandidates, text: string, at: number): PythonValue {
  try {
    return readExpression(text, at)
  } catch (error) {
    if (error instanceof ExpressionError) throw new BenchError('bad-input', `${space.name} genotype, ${error.message}`)
    throw error
  }
}

/** The names of a written genotype's fields, in the order of the `namedtuple` in the papers' code. */
const FIELDS = ['normal', 'normal_concat', 'reduce', 'reduce_concat']

function fieldsOf(value: PythonValue): Fields {
  if (isDict(value)) return value.entries
  const { positional, keywords } = value as PythonCall
  return new Map([...positional.slice(0, FIELDS.length).map((item, i) => [FIELDS[i], item] as const), ...keywords])
}

function noGenotype(space: DartsCandidates, text: string): BenchError {
  const trimmed = text.trim()
  const found = trimmed.length > 60 ? `${trimmed.slice(0, 60)}…` : trimmed
  return new BenchError(
    'bad-input',
    `${space.name} genotype: cannot read "${found}"; expected Genotype(normal=[('sep_conv_3x3', 0), …], ` +
      'normal_concat=range(2, 6), reduce=[…], reduce_concat=range(2, 6)), the same as JSON, or the name of a published one',
  )
}

/**
 * Checks a written cell's list of concatenated nodes, which must be 2 to 5. A missing list is accepted, because there
 * is no other choice.
 */
function checkConcat(space: DartsCandidates, cell: CellName, nodes: PythonValue | undefined): void {
  if (nodes === undefined || nodes === null || JSON.stringify(nodes) === JSON.stringify(CONCAT)) return
  throw new BenchError(
    'bad-input',
    `${space.name} genotype, ${cell} cell: concatenates nodes ${JSON.stringify(nodes)}, expected ${JSON.stringify(CONCAT)}`,
  )
}

/**
 * Genotypes of the DARTS space as text: the Python notation of the papers' code, `Genotype(normal=[('sep_conv_3x3', 1),
 * …], normal_concat=range(2, 6), reduce=[…], reduce_concat=range(2, 6))`, and JSON with the same four fields. The
 * parser accepts the forms in which people paste genotypes: with comments, from a log, with positional fields, as a
 * dict, node by node (`pt.darts`, AutoDL), with weights beside the pairs, with NumPy numbers. A list of cells (D-DARTS)
 * is written `Genotype_nested(genes=[[…], …], concat=range(2, 6), reductions=[2, 5])`, as in its authors' code, and in JSON
 * with the same three fields.
 */
import { BenchError } from '../../core/errors.ts'
import { pluralize } from '../../core/plainText.ts'
import {
  type Cell,
  type CellList,
  CONCAT,
  type DartsArchitecture,
  type DartsCandidates,
  isCellList,
  listedName,
  listedType,
  readCell,
} from './genotype.ts'
import {
  ExpressionError,
  isDict,
  type PythonCall,
  type PythonValue,
  placeIn,
  readExpression,
} from './pythonExpression.ts'
import { CELLS, type CellName, reductionCells } from './topology.ts'

/** Formats a genotype in the Python notation of the papers' code, on one line. */
export function format(genotype: DartsArchitecture): string {
  const pairs = (cell: Cell) => `[${cell.map(({ operation, from }) => `('${operation}', ${from})`).join(', ')}]`
  const concat = `range(${CONCAT[0]}, ${CONCAT[0] + CONCAT.length})`
  if (isCellList(genotype)) {
    const { cells, reductions } = genotype
    return `Genotype_nested(genes=[${cells.map(pairs).join(', ')}], concat=${concat}, reductions=[${reductions.join(', ')}])`
  }
  const { normal, reduce } = genotype
  return `Genotype(normal=${pairs(normal)}, normal_concat=${concat}, reduce=${pairs(reduce)}, reduce_concat=${concat})`
}

/** Formats a genotype as JSON: the pairs [operation, node] and the concatenated nodes are lists. */
export function formatJson(genotype: DartsArchitecture): string {
  const pairs = (cell: Cell) => cell.map(({ operation, from }) => [operation, from])
  if (isCellList(genotype)) {
    return JSON.stringify({ genes: genotype.cells.map(pairs), concat: CONCAT, reductions: genotype.reductions })
  }
  const { normal, reduce } = genotype
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
export function parse(space: DartsCandidates, text: string): DartsArchitecture {
  const found = new Map<string, { readonly genotype: DartsArchitecture; readonly at: number }>()
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
  const calls = of(/(?<!class\s+)\bGenotype(?:_nested)?\s*\(/g)
  if (calls.length > 0) return calls
  const cell = `["']?(?:(?:normal|reduce)(?:_concat)?|genes)\\b`
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

function genotypeOf(space: DartsCandidates, fields: Fields): DartsArchitecture {
  if (fields.has('genes')) return listOf(space, fields)
  for (const cell of CELLS) checkConcat(space, `${cell} cell`, fields.get(`${cell}_concat`))
  const read = (type: CellName) => readCell(space, { type, name: `${type} cell` }, fields.get(type))
  return { space: space.name, normal: read('normal'), reduce: read('reduce') }
}

/** Returns the list of cells in the fields `genes`, `concat` and `reductions`. */
function listOf(space: DartsCandidates, fields: Fields): CellList {
  checkConcat(space, 'list of cells', fields.get('concat'))
  const genes = fields.get('genes')
  const invalid = (problem: string) => new BenchError('bad-input', `${space.name} genotype, list of cells: ${problem}`)
  if (!Array.isArray(genes)) throw invalid(`expected genes=[[(operation, node), …], …], found ${JSON.stringify(genes)}`)
  if (genes.length < LEAST_CELLS || genes.length > MOST_CELLS) {
    throw invalid(`found ${pluralize(genes.length, 'cell')}, expected ${LEAST_CELLS} to ${MOST_CELLS}`)
  }
  const [first, second] = reductionCells(genes.length)
  const reductions: unknown = fields.get('reductions') ?? [first, second]
  const isPosition = (at: unknown) => Number.isInteger(at) && (at as number) >= 0 && (at as number) < genes.length
  if (!Array.isArray(reductions) || reductions.length !== 2 || !reductions.every(isPosition)) {
    throw invalid(
      `reductions=${JSON.stringify(reductions)}, expected the positions of two reduction cells, as [${first}, ${second}]`,
    )
  }
  if (reductions[0] >= reductions[1]) throw invalid(`reductions=${JSON.stringify(reductions)} must ascend`)
  const list = { reductions: reductions as readonly number[] }
  const cells = genes.map((cell, at) =>
    readCell(space, { type: listedType(list, at), name: listedName(list, at) }, cell),
  )
  return { space: space.name, cells, ...list }
}

/** Smallest and largest number of cells of a list: a normal and two reduction cells, and more than any paper's network. */
const [LEAST_CELLS, MOST_CELLS] = [3, 100]

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
/** The names of the fields of a list of cells, in the order of the `namedtuple` in the code of D-DARTS. */
const LIST_FIELDS = ['genes', 'concat', 'reductions']

function fieldsOf(value: PythonValue): Fields {
  if (isDict(value)) return value.entries
  const { name, positional, keywords } = value as PythonCall
  const names = name === 'Genotype_nested' ? LIST_FIELDS : FIELDS
  return new Map([...positional.slice(0, names.length).map((item, i) => [names[i], item] as const), ...keywords])
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
function checkConcat(space: DartsCandidates, cell: string, nodes: PythonValue | undefined): void {
  if (nodes === undefined || nodes === null || JSON.stringify(nodes) === JSON.stringify(CONCAT)) return
  throw new BenchError(
    'bad-input',
    `${space.name} genotype, ${cell}: concatenates nodes ${JSON.stringify(nodes)}, expected ${JSON.stringify(CONCAT)}`,
  )
}

/**
 * An architecture of NAS-Bench-201 and its string `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`: writing, reading,
 * discretisation of mixing weights, and the encoding for black-box search.
 */

import { BenchError } from '../../core/errors.ts'
import { argmax, type Matrix } from '../../core/mixing.ts'
import { pluralize } from '../../core/plainText.ts'
import type { Encoding, Genotype } from '../../core/space.ts'
import { EDGES, edgesInto, NODES, OPERATIONS, type Operation } from './topology.ts'

/** An architecture of NAS-Bench-201: the operation on each of the six edges of its cell. */
export interface Nb201Genotype extends Genotype {
  /** The architecture's operation on each edge, in the order of `EDGES`. */
  readonly operations: readonly Operation[]
}

const FORM = '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|'
const COMPUTED_NODES = NODES.slice(1)
/** Largest number of characters of the user's text that an error message quotes. */
const LONGEST_SHOWN = 300

/** Makes an architecture of NAS-Bench-201 from its six operations. */
export const nb201Genotype = (operations: readonly Operation[]): Nb201Genotype => ({ space: 'nb201', operations })

/**
 * Returns the position of an architecture in the list of all 5⁶ in lexicographic order of their operations, or −1 if it
 * does not have six operations of NAS-Bench-201.
 */
export function positionOf({ operations }: Nb201Genotype): number {
  if (operations.length !== EDGES.length) return -1
  let position = 0
  for (let edge = 0; edge < operations.length; edge++) {
    const number = numberOf(operations[edge])
    if (number < 0) return -1
    position = position * OPERATIONS.length + number
  }
  return position
}

/** Returns the number of an operation, or −1. For five names a loop is faster than `indexOf`. */
function numberOf(operation: Operation): number {
  for (let number = 0; number < OPERATIONS.length; number++) if (OPERATIONS[number] === operation) return number
  return -1
}

/**
 * Architecture strings that were formatted before, by position. Searches format every architecture that they ask for.
 * V8 keeps a list that is filled in any order as a hash table, unless it has its length from the beginning.
 */
const formatted = new Array<string | undefined>(OPERATIONS.length ** EDGES.length)

/** Formats an architecture as the string of NAS-Bench-201. */
export function format(genotype: Nb201Genotype): string {
  const position = positionOf(genotype)
  if (position < 0) return formatAnew(genotype)
  const known = formatted[position]
  if (known !== undefined) return known
  const text = formatAnew(genotype)
  formatted[position] = text
  return text
}

function formatAnew({ operations: [e01, e02, e12, e03, e13, e23] }: Nb201Genotype): string {
  // Joined, and not one template, which V8 would keep in many parts.
  return [`|${e01}~0|`, `|${e02}~0|${e12}~1|`, `|${e03}~0|${e13}~1|${e23}~2|`].join('+')
}

/**
 * Parses the architecture in a text. The architecture string may stand anywhere in the text, and several times.
 * @throws BenchError `bad-input` that names the node or edge, what was found there and what is allowed
 */
export function parse(text: string): Nb201Genotype {
  const trimmed = text.trim()
  const [found, ...others] = /^\|\S*\|$/.test(trimmed) ? [trimmed] : new Set(textsIn(text))
  if (others.length > 0) {
    throw malformed(
      text,
      `it holds ${others.length + 1} different ones, the last ${others[others.length - 1]}; keep one`,
    )
  }
  return parseNodes(text, found ?? trimmed)
}

/** Finds all parts of a text that have the form of an architecture string `|…|+|…|+|…|`, and removes their spaces. */
function textsIn(text: string): string[] {
  const node = (edges: number) => `\\|${'\\s*[\\w-]+\\s*~\\s*\\d\\s*\\|'.repeat(edges)}`
  const form = new RegExp([1, 2, 3].map(node).join('\\s*\\+\\s*'), 'g')
  return Array.from(text.matchAll(form), ([match]) => match.replaceAll(/\s/g, ''))
}

function parseNodes(text: string, form: string): Nb201Genotype {
  const nodes = form.split('+')
  if (nodes.length !== COMPUTED_NODES.length) {
    throw malformed(text, `found ${nodes.length} of ${COMPUTED_NODES.length} nodes joined by "+"`)
  }
  return nb201Genotype(COMPUTED_NODES.flatMap((node, i) => parseNode(text, nodes[i], node)))
}

/** Parses the operations of the edges into a node from a part of an architecture string, as `|op~0|op~1|`. */
function parseNode(text: string, part: string, node: number): Operation[] {
  if (part.length < 2 || !part.startsWith('|') || !part.endsWith('|')) {
    throw malformed(text, `node ${node}: "${part}" does not stand between "|"`)
  }
  const terms = part.slice(1, -1).split('|')
  const edges = edgesInto(node)
  if (terms.length !== edges.length) {
    throw malformed(text, `node ${node}: found ${pluralize(terms.length, 'edge')}, expected ${edges.length}`)
  }
  return edges.map(({ from }, i) => parseEdge(text, terms[i], `edge ${node}←${from}`, from))
}

/** Parses the operation of an edge from a term `op~from` of an architecture string. */
function parseEdge(text: string, term: string, edge: string, from: number): Operation {
  const [name, source, ...rest] = term.split('~')
  if (source === undefined || rest.length > 0) throw malformed(text, `${edge}: "${term}" is not of the form op~${from}`)
  if (source !== String(from)) throw malformed(text, `${edge}: "${term}" comes from node ${source}, expected ${from}`)
  const operation = OPERATIONS.find((known) => known === name)
  if (operation === undefined) {
    throw malformed(text, `${edge}: unknown operation "${name}"; nb201 has ${OPERATIONS.join(', ')}`)
  }
  return operation
}

function malformed(text: string, problem: string): BenchError {
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text
  return new BenchError('bad-input', `architecture "${shown}": ${problem}; the form is ${FORM}`)
}

/**
 * Discretises mixing weights [edge][op] into an architecture: the operation of largest weight on each edge, `none`
 * included; ties go to the lowest index.
 * @param threshold weight below which an edge's operation is replaced by `none`
 */
export function derive(
  theta: Matrix,
  _edgeWeights?: readonly number[],
  threshold = Number.NEGATIVE_INFINITY,
): Nb201Genotype {
  return nb201Genotype(
    theta.map((row) => {
      const best = argmax(row)
      return row[best] >= threshold ? OPERATIONS[best] : 'none'
    }),
  )
}

/** One-hot mixing weights of an architecture: 1 at the operation of each edge, 0 elsewhere. */
export function oneHot({ operations }: Nb201Genotype): Matrix {
  return operations.map((chosen) => OPERATIONS.map((operation) => Number(operation === chosen)))
}

/** Encodes an architecture for black-box search: one decision per edge, whose value is the index of its operation. */
export const encoding: Encoding<Nb201Genotype> = {
  cardinalities: EDGES.map(() => OPERATIONS.length),
  encode: ({ operations }) => operations.map((operation) => numberOf(operation)),
  decode: (decisions) => nb201Genotype(decisions.map((op) => OPERATIONS[op])),
}

/**
 * Returns the functions of a space that contains only the NAS-Bench-201 architectures with the given operations:
 * parsing, discretisation, one-hot weights and encoding.
 * @param name name of the space, which its architectures state
 */
export function genotypesWith(name: string, operations: readonly Operation[]) {
  const genotype = (chosen: readonly Operation[]): Nb201Genotype => ({ space: name, operations: chosen })
  return {
    parse(text: string): Nb201Genotype {
      const { operations: chosen } = parse(text)
      const edge = chosen.findIndex((operation) => !operations.includes(operation))
      if (edge === -1) return genotype(chosen)
      const { from, to } = EDGES[edge]
      throw malformed(
        text,
        `edge ${to}←${from}: ${name} does not have "${chosen[edge]}", only ${operations.join(', ')}`,
      )
    },
    derive: (theta: Matrix) => genotype(theta.map((row) => operations[argmax(row)])),
    oneHot: (given: Nb201Genotype): Matrix =>
      given.operations.map((chosen) => operations.map((operation) => Number(operation === chosen))),
    encoding: {
      cardinalities: EDGES.map(() => operations.length),
      encode: (given: Nb201Genotype) => given.operations.map((operation) => operations.indexOf(operation)),
      decode: (decisions: readonly number[]) => genotype(decisions.map((op) => operations[op])),
    } satisfies Encoding<Nb201Genotype>,
  }
}

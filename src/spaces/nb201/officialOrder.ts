/**
 * The benchmark's index of an architecture. Its list is all 5⁶ strings in lexicographic order of their operations,
 * shuffled by Python with seed 88; so no data file is needed.
 */
import { BenchError } from '../../core/errors.ts'
import { encoding, type Nb201Genotype } from './genotype.ts'
import { pythonShuffle } from './pythonRandom.ts'
import { EDGES, OPERATIONS } from './topology.ts'

/** 15,625 */
export const ARCHITECTURE_COUNT = OPERATIONS.length ** EDGES.length

const SEED = 88

/** Position before the shuffle, by index; and the inverse. */
interface Order {
  readonly positions: Uint32Array
  readonly indices: Uint32Array
}

let computed: Order | undefined

function order(): Order {
  if (computed !== undefined) return computed
  const positions = pythonShuffle(SEED, ARCHITECTURE_COUNT)
  const indices = new Uint32Array(ARCHITECTURE_COUNT)
  positions.forEach((position, index) => {
    indices[position] = index
  })
  computed = { positions, indices }
  return computed
}

/** The architecture's index in NAS-Bench-201 and in NATS-Bench's topology space, 0 … 15,624. */
export function indexOf({ operations }: Nb201Genotype): number {
  let position = 0
  for (const operation of operations) position = position * OPERATIONS.length + OPERATIONS.indexOf(operation)
  return order().indices[position]
}

/** The architecture with an official index. @throws BenchError `bad-input` outside 0 … 15,624 */
export function atIndex(index: number): Nb201Genotype {
  if (!Number.isInteger(index) || index < 0 || index >= ARCHITECTURE_COUNT) {
    throw new BenchError('bad-input', `nb201 has no architecture ${index}; indices are 0 to ${ARCHITECTURE_COUNT - 1}`)
  }
  const position = order().positions[index]
  const digit = (edge: number) => Math.floor(position / OPERATIONS.length ** (EDGES.length - 1 - edge))
  return encoding.decode(EDGES.map((_, edge) => digit(edge) % OPERATIONS.length))
}

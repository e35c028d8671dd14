/**
 * Reads Python pickles, protocols 0 to 5, as data, without executing any code: a pickle may only name the types listed
 * in `pythonTypes.ts`. Memory use is bounded by the size of the pickle; a caller's `onDict` can free parts while it is
 * read.
 *
 * None → null · int → number, bigint beyond 2⁵³ · str → string · bytes → Uint8Array · list, tuple → array ·
 * dict, OrderedDict → Map · set → Set · NumPy scalars → number, arrays → NdArray · PyTorch tensors → TorchTensor
 */
import { PickleMachine, type PickleOptions } from './machine.ts'
import type { PickleInput } from './pickleInput.ts'

const STOP = 0x2e

/**
 * Reads one Python pickle and returns the object in it. Afterwards the input is at the byte after the pickle.
 * @throws BenchError `bad-input` with the position of the faulty byte
 */
export function readPickle(input: PickleInput, options: PickleOptions = {}): unknown {
  try {
    return run(input, new PickleMachine(input, options))
  } catch (cause) {
    // A text, set or array that is larger than JavaScript allows.
    if (cause instanceof RangeError || isTooLongText(cause))
      throw input.error(`is too large (${(cause as Error).message})`)
    throw cause
  }
}

const isTooLongText = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG'

function run(input: PickleInput, machine: PickleMachine): unknown {
  for (;;) {
    const opcode = input.byte()
    if (opcode === STOP) return machine.pop()
    const instruction = instructions[opcode]
    if (instruction === undefined) throw input.error(`has an unknown instruction ${opcode}: it is damaged, or no data`)
    instruction(machine)
  }
}

type Instruction = (machine: PickleMachine) => void

const HIGHEST_PROTOCOL = 5

/**
 * The function that executes each opcode of the pickle format. Opcodes are written as characters, as in CPython's
 * Lib/pickletools.py.
 */
const byOpcode: Readonly<Record<string, Instruction>> = {
  // Numbers
  K: (m) => m.push(m.input.byte()),
  M: (m) => m.push(m.input.uint16()),
  J: (m) => m.push(m.input.int32()),
  '\x8a': (m) => m.push(m.integer(m.input.byte())),
  '\x8b': (m) => m.push(m.integer(m.input.uint32())),
  G: (m) => m.push(m.input.float64()),
  N: (m) => m.push(null),
  '\x88': (m) => m.push(true),
  '\x89': (m) => m.push(false),

  // Text and bytes. Python 2 wrote both as strings.
  '\x8c': (m) => m.push(m.input.utf8(m.input.byte())),
  X: (m) => m.push(m.input.utf8(m.input.uint32())),
  '\x8d': (m) => m.push(m.input.utf8(m.input.uint64())),
  C: (m) => m.push(m.input.bytes(m.input.byte())),
  B: (m) => m.push(m.input.bytes(m.input.uint32())),
  '\x8e': (m) => m.push(m.input.bytes(m.input.uint64())),
  '\x96': (m) => m.push(m.input.bytes(m.input.uint64())),
  U: (m) => m.push(m.input.latin1(m.input.byte())),
  T: (m) => m.push(m.input.latin1(m.input.uint32())),

  // Protocol 0 writes numbers and strings as lines of text
  I: (m) => m.push(integerLine(m, m.line())),
  L: (m) => m.push(m.number(m.line().replace(/L$/, ''))),
  F: (m) => m.push(m.float(m.line())),
  S: (m) => m.push(pythonLiteral(m.line()) ?? m.fail('holds a malformed string')),
  V: (m) => m.push(rawUnicode(m.line())),

  // Containers
  '(': (m) => m.mark(),
  ')': (m) => m.push(m.newList()),
  '\x85': (m) => m.push(m.popMany(1)),
  '\x86': (m) => m.push(m.popMany(2)),
  '\x87': (m) => m.push(m.popMany(3)),
  t: (m) => m.push(m.popMark()),
  ']': (m) => m.push(m.newList()),
  l: (m) => m.push(m.popMark()),
  a: (m) => m.append(m.popMany(1)),
  e: (m) => m.append(m.popMark()),
  '}': (m) => m.push(m.newDict()),
  d: (m) => {
    const items = m.popMark()
    m.push(m.newDict())
    m.setItems(items)
  },
  s: (m) => m.setItem(m.popMany(2)),
  u: (m) => m.setItems(m.popMark()),
  '\x8f': (m) => m.push(m.newSet([])),
  '\x90': (m) => m.addItems(m.popMark()),
  '\x91': (m) => m.push(m.newSet(m.popMark())),

  // Stack and memo
  '0': (m) => m.popOne(),
  '1': (m) => {
    m.popMark()
  },
  '2': (m) => m.push(m.top()),
  p: (m) => m.remember(Number(m.line())),
  q: (m) => m.remember(m.input.byte()),
  r: (m) => m.remember(m.input.uint32()),
  '\x94': (m) => m.memoize(),
  g: (m) => m.recall(Number(m.line())),
  h: (m) => m.recall(m.input.byte()),
  j: (m) => m.recall(m.input.uint32()),

  // Type names and calls. A call creates data; no code is run
  c: (m) => m.push(m.global(m.line(), m.line())),
  '\x93': (m) => {
    const [module, name] = m.popMany(2)
    m.push(m.global(module, name))
  },
  R: (m) => {
    const [type, args] = m.popMany(2)
    m.push(m.call(type, args))
  },
  '\x81': (m) => {
    const [type, args] = m.popMany(2)
    m.push(m.call(type, args))
  },
  b: (m) => m.build(),
  Q: (m) => m.push(m.persistent(m.pop())),
  P: (m) => m.push(m.persistent(m.line())),

  // Framing
  '\x80': (m) => {
    const protocol = m.input.byte()
    if (protocol > HIGHEST_PROTOCOL) m.fail(`is of protocol ${protocol}; 0 to ${HIGHEST_PROTOCOL} are known`)
    m.protocol = protocol
  },
  '\x95': (m) => m.input.skip(8),
}

/** Parses an integer or boolean of a pickle of protocol 0, which writes booleans as `00` and `01`. */
function integerLine(m: PickleMachine, line: string): unknown {
  return line === '01' ? true : line === '00' ? false : m.number(line)
}

/** The functions in `byOpcode` as an array indexed by opcode, for speed. */
const instructions: readonly (Instruction | undefined)[] = Array.from(
  { length: 256 },
  (_, opcode) => byOpcode[String.fromCharCode(opcode)],
)

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' }

/** Returns the value of a Python string literal (`repr`, quotes included); undefined if the literal is malformed. */
export function pythonLiteral(literal: string): string | undefined {
  const quoted = /^(['"])(.*)\1$/.exec(literal)
  return quoted?.[2].replace(/\\(x[0-9a-f]{2}|.)/gi, (whole, escaped: string) =>
    escaped.length === 3 ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16)) : (ESCAPES[escaped] ?? whole),
  )
}

/** Decodes a text in Python's raw-unicode-escape encoding, which pickles of protocol 0 use. */
export function rawUnicode(text: string): string {
  const escaped = /\\u([0-9a-fA-F]{4})|\\U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})/g
  return text.replace(escaped, (_, short?: string, long?: string) =>
    String.fromCodePoint(Number.parseInt(short ?? long ?? '0', 16)),
  )
}

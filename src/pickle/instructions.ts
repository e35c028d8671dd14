/** What each instruction of a pickle does (CPython, Lib/pickletools.py). */
import type { PickleMachine } from './machine.ts'
import { pythonLiteral, rawUnicode } from './pythonText.ts'

type Instruction = (machine: PickleMachine) => void

const HIGHEST_PROTOCOL = 5

/** By opcode, which is a character in the older protocols. */
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

  // Protocol 0, which is lines of text
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

  // Names of types, and calls of them, which make data and run nothing
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

/** Protocol 0 writes booleans as integers with a leading zero. */
function integerLine(m: PickleMachine, line: string): unknown {
  return line === '01' ? true : line === '00' ? false : m.number(line)
}

export const instructions: readonly (Instruction | undefined)[] = Array.from(
  { length: 256 },
  (_, opcode) => byOpcode[String.fromCharCode(opcode)],
)

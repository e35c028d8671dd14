/**
 * Seeded damage to JSON by its structure: what a bad edit, another program, another version or an ill-wisher makes of a
 * record. Most copies are still JSON; what a disk does to bytes is in `test/tables/mutations.ts`.
 */

import { type RandomStream, random } from '../../src/core/random.ts'
import { groupBy } from '../../src/system/groupBy.ts'

export interface Mutation {
  readonly text: string
  /** What was done where, to find it again: `job.seed ← null`. */
  readonly what: string
}

/** `count` damaged copies of a JSON value as text, always the same for the same seed. */
export function* jsonMutations(value: unknown, count: number, seed: number): Generator<Mutation> {
  const stream = random(seed, 'json mutations')
  for (let i = 0; i < count; i++) {
    const copy = { root: structuredClone(value) }
    // Most faults come alone; some hide behind another.
    const steps = stream.integer(5) === 0 ? 2 : 1
    const done = Array.from({ length: steps }, () => mutate(copy, stream))
    const text = RAW.reduce((json, [mark, raw]) => json.replaceAll(`"${mark}"`, raw), JSON.stringify(copy.root ?? null))
    yield stream.integer(20) === 0 ? damagedText(text, stream) : { text, what: done.join(', then ') }
  }
}

/**
 * Copies of a JSON value in each of which one place holds one of `values`; of the entries of a list only the last is
 * changed.
 */
export function* jsonReplacements(value: unknown, values: readonly unknown[]): Generator<Mutation> {
  const count = placesIn({ root: value }).length
  for (let i = 0; i < count; i++)
    for (const changed of values) {
      const copy = { root: structuredClone(value) }
      const { parent, key, path } = placesIn(copy)[i]
      if (Array.isArray(parent) && Number(key) < parent.length - 1) continue
      parent[key] = changed
      yield { text: JSON.stringify(copy.root), what: `${path} ← ${JSON.stringify(changed)}` }
    }
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

/** What JSON can write and no value here should be: a number beyond all doubles, and arrays in arrays. */
const RAW = [
  ['\u{f0000}', '1e999'],
  ['\u{f0001}', nested(90)],
  ['\u{f0002}', nested(20_000)],
] as const

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 0.5, -0.5, 2 ** 31, 2 ** 53, 1e15, 1e308, -1e308, 5e-324],
  ...RAW.map(([mark]) => mark),
  ...[
    '',
    ' ',
    'x',
    '0',
    '1',
    'null',
    'none',
    'NaN',
    '\u0000',
    '\u001b[2J',
    '../../../x',
    '/etc/passwd',
    'a/b',
    '.',
    '..',
  ],
  ...['con', '__proto__', 'constructor', '$&$1', '{}', '=1+1', '\ud800', 'é'.repeat(300), 'x'.repeat(70_000)],
  ...[[], [[]], [null], [0], ['x'], {}, { x: 1 }, { length: 3 }, { schema: 1 }],
]

const KEYS = [
  '',
  'x',
  '0',
  '-1',
  'length',
  'schema',
  'id',
  '__proto__',
  'constructor',
  'toString',
  'then',
  '../x',
] as const

type Container = Record<string, unknown>

interface Place {
  readonly parent: Container
  readonly key: string
  readonly path: string
}

/** Every value within, the root included. */
function placesIn(parent: Container, path = ''): Place[] {
  return Object.keys(parent).flatMap((key) => {
    const here = { parent, key, path: path === '' ? key : `${path}.${key}` }
    const value = parent[key]
    return [here, ...(typeof value === 'object' && value !== null ? placesIn(value as Container, here.path) : [])]
  })
}

/** Changes one thing. → what */
function mutate(holder: Container, stream: RandomStream): string {
  const places = placesIn(holder).map((place) => ({ ...place, path: place.path.replace(/^root\.?/, '') }))
  if (places.length === 0) return 'nothing is left'
  // A list of numbers has many places and one kind of them: paths without their indices are drawn first.
  const kinds = groupBy(places, ({ path }) => path.replace(/\d+/g, '#'))
  const place = stream.choice(kinds.get(stream.choice([...kinds.keys()])) ?? places)
  const { parent, key, path } = place
  const value = parent[key]
  const set = (changed: unknown) => {
    // A copy: a later step may change what is in it.
    const value = structuredClone(changed)
    Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true })
    return `${path} ← ${JSON.stringify(changed)?.slice(0, 60)}`
  }
  switch (stream.integer(10)) {
    case 0:
      if (Array.isArray(parent)) parent.splice(Number(key), 1)
      else delete parent[key]
      return `${path} removed`
    case 1:
      return set([value])
    case 2:
      return set({ [stream.choice(KEYS)]: value })
    case 3: {
      const other = stream.choice(places)
      const found = other.parent[other.key]
      if (isWithin(found, value) || isWithin(value, found)) return set(stream.choice(VALUES))
      other.parent[other.key] = value
      return `${set(found)}, swapped with ${other.path}`
    }
    case 4: {
      if (typeof value !== 'object' || value === null) return set(String(value))
      const name = stream.choice(KEYS)
      if (Array.isArray(value)) value.push(structuredClone(value[0] ?? null))
      else
        Object.defineProperty(value, name, {
          value: structuredClone(stream.choice(VALUES)),
          enumerable: true,
          configurable: true,
        })
      return `${path} has more: ${name}`
    }
    case 5:
      if (typeof value === 'number')
        return set(stream.choice([-value, value + 0.5, value * 1e300, value - 1, value + 1]))
      if (typeof value === 'string')
        return set(stream.choice([value.slice(1), `${value} `, value.toUpperCase(), value + value]))
      return set(stream.choice(VALUES))
    case 6: {
      const name = stream.choice(KEYS)
      if (Array.isArray(parent)) return set(stream.choice(VALUES))
      delete parent[key]
      Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true })
      return `${path} renamed ${name}`
    }
    default:
      return set(stream.choice(VALUES))
  }
}

const isWithin = (outer: unknown, inner: unknown): boolean =>
  outer === inner ||
  (typeof outer === 'object' && outer !== null && Object.values(outer).some((value) => isWithin(value, inner)))

function damagedText(text: string, stream: RandomStream): Mutation {
  const at = stream.integer(text.length)
  const [what, damaged] = stream.choice<[string, string]>([
    ['cut off', text.slice(0, at)],
    ['a hole', text.slice(0, at) + text.slice(at + 1)],
    ['twice', text + text],
    ['empty', ''],
    ['a newline', `${text.slice(0, at)}\n${text.slice(at)}`],
    ['a byte order mark', `\ufeff${text}`],
    ['another letter', `${text.slice(0, at)}#${text.slice(at + 1)}`],
    ['NaN', text.replace(/-?\d+(\.\d+)?/, 'NaN')],
  ])
  return { text: damaged, what: `${what} at ${at}` }
}

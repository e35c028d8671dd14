/** Seeded damage: what a disk, a network or an ill-wisher does to a file. */
import { type RandomStream, random } from '../../src/core/random.ts'

/** `count` damaged copies of the bytes, always the same for the same seed. */
export function* mutations(bytes: Uint8Array, count: number, seed: number): Generator<Uint8Array<ArrayBuffer>> {
  const stream = random(seed, 'mutations')
  for (let i = 0; i < count; i++) yield mutated(bytes, stream)
}

function mutated(bytes: Uint8Array, stream: RandomStream): Uint8Array<ArrayBuffer> {
  const at = stream.integer(bytes.length)
  const copy = Uint8Array.from(bytes)
  switch (stream.integer(6)) {
    case 0: // a flipped bit
      copy[at] ^= 1 << stream.integer(8)
      return copy
    case 1: // another byte
      copy[at] = stream.integer(256)
      return copy
    case 2: // cut off
      return copy.slice(0, at)
    case 3: // a hole
      return Uint8Array.from([...copy.subarray(0, at), ...copy.subarray(at + 1 + stream.integer(16))])
    case 4: // a part twice
      return Uint8Array.from([...copy.subarray(0, at), ...copy.subarray(Math.max(0, at - stream.integer(64)))])
    default: // several bytes
      for (let n = 2 + stream.integer(30); n > 0; n--) copy[stream.integer(copy.length)] = stream.integer(256)
      return copy
  }
}

/** `count` damaged copies of the text of a JSON file: each is JSON, with one value in place of another. */
export function* jsonMutations(text: Uint8Array, count: number, seed: number): Generator<Uint8Array<ArrayBuffer>> {
  const stream = random(seed, 'JSON mutations')
  for (let i = 0; i < count; i++) {
    const value = JSON.parse(Buffer.from(text).toString('utf8'))
    const places = placesIn(value)
    const { holder, key } = places[stream.integer(places.length)]
    const found = (holder as Record<string, unknown>)[key]
    const other = (places[stream.integer(places.length)].holder as Record<string, unknown>)[key]
    const replacements = [
      undefined,
      null,
      true,
      -1,
      0.5,
      1e308,
      2 ** 53,
      '',
      'x'.repeat(100_000),
      [],
      {},
      other,
      NESTED,
    ]
    const at = stream.integer(replacements.length + 2)
    const replaced =
      at === replacements.length ? [found, found] : at > replacements.length ? { found } : replacements[at]
    ;(holder as Record<string, unknown>)[key] = replaced
    yield Uint8Array.from(Buffer.from(JSON.stringify(value)))
  }
}

/** A list in a list in a list … */
const NESTED = JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`)

function placesIn(value: unknown): { readonly holder: object; readonly key: string }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.keys(value).flatMap((key) => [
    { holder: value, key },
    ...placesIn((value as Record<string, unknown>)[key]),
  ])
}

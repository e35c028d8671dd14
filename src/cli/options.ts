/** Options that mean the same in every command, and how their values are read. */
import { InvalidArgumentError, Option } from 'commander'
import { unknownName } from '../core/names.ts'
import { DEFAULT_STORE } from '../runner/store/store.ts'
import { raiseLimit } from '../system/limits.ts'

export const storeOption = () => new Option('--store <dir>', `folder of the runs (default: ${DEFAULT_STORE})`)
export const jsonOption = () => new Option('--json', 'print machine-readable output only')
export const quietOption = () => new Option('--quiet', 'print results only, no progress')
export const outOption = () => new Option('--out <file>', 'write the output to a file instead')

/** Of every command, since any may be given a foreign file. */
export const raiseOption = () =>
  new Option(
    '--raise <limit=value>',
    'raise a bound on what files may cost (`bench list limits`); several times',
  ).argParser((text: string, earlier: readonly string[] | undefined) => {
    raiseLimit(text)
    return repeated(text, earlier)
  })

export const brokenImagesOption = () =>
  new Option('--broken-images <how>', 'what a file that cannot be decoded does: fail, skip (default: fail)').argParser(
    oneOf('treatment', ['fail', 'skip']),
  )

export const threadsOption = () =>
  new Option(
    '--threads <n>',
    'threads that may work on one step of a large network (wasm, tensorflow; default: the cores over the processes)',
  ).argParser(positiveInteger)

export const fastMathOption = () =>
  new Option('--fast-math', 'round multiply-adds once: 5 to 10 % faster, in other bits (wasm; Node 22 and later)')

/** `a,b` → [a, b]; may be given several times. */
export function commaList(text: string, earlier: readonly string[] | undefined): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) throw new InvalidArgumentError('an empty name stands in the list.')
  return [...(earlier ?? []), ...names]
}

/** An option that may be given several times. */
export const repeated = (text: string, earlier: readonly string[] | undefined): string[] => [...(earlier ?? []), text]

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected an integer of at least 1.')
  return value
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0.')
  return value
}

/** One of a few words; another gets the nearest one suggested. */
export const oneOf =
  <Word extends string>(what: string, words: readonly Word[]) =>
  (text: string): Word => {
    const word = words.find((known) => known === text)
    if (word === undefined) throw unknownName(what, text, words)
    return word
  }

/** A picture to write; may be given several times. */
export function pictureFile(path: string, earlier: readonly string[] = []): string[] {
  if (!/\.(png|svg|pdf)$/i.test(path)) throw new InvalidArgumentError('a picture ends in .png, .svg or .pdf.')
  return [...earlier, path]
}

/** Options that several commands share, and the parsers of their values. */
import { InvalidArgumentError, Option } from 'commander'
import { requireOnce, unknownName } from '../core/names.ts'
import { DEFAULT_STORE } from '../runner/store/store.ts'
import { raiseLimit } from '../system/limits.ts'

const accumulating = new WeakSet<object>()

/** Marks the parser of an option that may be given several times: it adds each value to the earlier ones. */
export function severalTimes<Parser extends object>(parser: Parser): Parser {
  accumulating.add(parser)
  return parser
}

/** Returns whether an option takes one value, so that of two values the first would be lost. */
export const takesOneValue = ({ required, optional, parseArg }: Option): boolean =>
  (required || optional) && !(parseArg && accumulating.has(parseArg))

export const storeOption = () => new Option('--store <dir>', `folder of the runs (default: ${DEFAULT_STORE})`)
export const jsonOption = () => new Option('--json', 'print machine-readable output only')
export const quietOption = () => new Option('--quiet', 'print results only, no progress')
export const outOption = () => new Option('--out <file>', 'write the output to a file')

/** Returns the option `--raise`, which every command has, since each may read files that exceed a limit. */
export const raiseOption = () =>
  new Option(
    '--raise <limit=value>',
    'raise a limit on the size of input files (`bench list limits`); may be given several times',
  ).argParser(
    severalTimes((text: string, earlier: readonly string[] = []) => {
      const nameIn = (entry: string) => entry.split('=')[0]
      requireOnce([...earlier, text].map(nameIn), '--raise')
      raiseLimit(text)
      return [...earlier, text]
    }),
  )

export const brokenImagesOption = () =>
  new Option('--broken-images <how>', 'on a file that cannot be decoded: fail, skip (default: fail)').argParser(
    oneOf('treatment', ['fail', 'skip']),
  )

export const threadsOption = () =>
  new Option(
    '--threads <n>',
    'threads for one training step of a large network (wasm, tensorflow; default: cores divided by processes)',
  ).argParser(positiveInteger)

export const fastMathOption = () =>
  new Option('--fast-math', 'fused multiply-adds: 5 to 10 % faster, other last bits (wasm; Node 22 and later)')

/** Parses names separated by commas, and adds them to those of earlier flags. */
export const commaList = severalTimes((text: string, earlier: readonly string[] | undefined): string[] => {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) throw new InvalidArgumentError('the list contains an empty name.')
  return [...(earlier ?? []), ...names]
})

/** Collects the values of an option that may be given several times. */
export const repeated = severalTimes((text: string, earlier: readonly string[] | undefined): string[] => [
  ...(earlier ?? []),
  text,
])

/** Parses an integer of at least 1. */
export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected an integer of at least 1.')
  return value
}

/** Parses a finite number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0.')
  return value
}

/** Returns a parser that accepts the given names only; its error suggests the nearest one. */
export const oneOf =
  <Name extends string>(what: string, names: readonly Name[]) =>
  (text: string): Name => {
    const name = names.find((known) => known === text)
    if (name === undefined) throw unknownName(what, text, names)
    return name
  }

/** Parses the path of a picture to write, and adds it to those of earlier flags. */
export const pictureFile = severalTimes((path: string, earlier: readonly string[] = []): string[] => {
  if (!/\.(png|svg|pdf)$/i.test(path)) throw new InvalidArgumentError('a picture ends in .png, .svg or .pdf.')
  return [...earlier, path]
})

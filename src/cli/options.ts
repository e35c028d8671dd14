/** Command-line options that several commands share, and the parsers of their values. */
import { InvalidArgumentError, Option } from 'commander'
import { requireOnce, unknownName } from '../core/names.ts'
import type { AxisLimits } from '../report/pictures/figure.ts'
import { DEFAULT_STORE } from '../runner/store/store.ts'
import { cores } from '../system/cores.ts'
import { raiseLimit } from '../system/limits.ts'

const accumulating = new WeakSet<object>()

/**
 * Marks the value parser of an option that may be given several times, and returns it. Such a parser adds each value to
 * the earlier ones.
 */
export function severalTimes<Parser extends object>(parser: Parser): Parser {
  accumulating.add(parser)
  return parser
}

/** Returns whether a command-line option takes only one value, so that giving it twice would lose the first value. */
export const takesOneValue = ({ required, optional, parseArg }: Option): boolean =>
  (required || optional) && !(parseArg && accumulating.has(parseArg))

export const storeOption = () => new Option('--store <dir>', `folder of the runs (default: ${DEFAULT_STORE})`)

/** The flags of a command that tell where runs, images and plugins are. */
interface PlaceFlags {
  readonly store?: string | undefined
  readonly data?: readonly string[] | undefined
  readonly plugin?: readonly string[] | undefined
}

/** Returns the words with which another command finds the same runs, images and plugins, as `--store my-runs`. */
export const placeOptions = ({ store, data = [], plugin = [] }: PlaceFlags): readonly string[] => [
  ...(store === undefined ? [] : ['--store', store]),
  ...data.flatMap((folder) => ['--data', folder]),
  ...plugin.flatMap((file) => ['--plugin', file]),
]

export const reuseOption = () =>
  new Option(
    '--reuse <folder>',
    'count the finished runs of a report or store as finished, by copying them; may be given several times',
  ).argParser(repeated)
export const jsonOption = () => new Option('--json', 'print machine-readable output only')
export const quietOption = () => new Option('--quiet', 'print results only, no progress')
export const outOption = () => new Option('--out <file>', 'write the output to a file')

/** Returns the option `--raise`, which raises a limit on the size of input files. Every command has it. */
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

/** Returns the option `--jobs`, the number of worker processes. Its help ends with `more`. */
export const jobsOption = (more = '') =>
  new Option('--jobs <n>', `worker processes (default: the cores, here ${cores()}${more})`).argParser(positiveInteger)

export const threadsOption = () =>
  new Option(
    '--threads <n>',
    'threads for one training step of a large network (wasm, tensorflow; default: cores divided by processes)',
  ).argParser(positiveInteger)

export const fastMathOption = () =>
  new Option('--fast-math', 'fused multiply-adds: 5 to 10 % faster, other last bits (wasm; Node 22 and later)')

/** Parses an option's value as names separated by commas, and returns them after the names of earlier such options. */
export const commaList = severalTimes((text: string, earlier: readonly string[] | undefined): string[] => {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) throw new InvalidArgumentError('expected names separated by commas, and one is empty')
  return [...(earlier ?? []), ...names]
})

/** Returns the value of an option together with its earlier values, for an option that may be given several times. */
export const repeated = severalTimes((text: string, earlier: readonly string[] | undefined): string[] => [
  ...(earlier ?? []),
  text,
])

/** Returns the value of an option as an integer of at least 1, or throws a usage error. */
export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected an integer of at least 1')
  return value
}

/** Returns the value of an option as a seed, which is an integer of at least 0, or throws a usage error. */
export function seedNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number from 0')
}

/** Returns the value of an option as a finite number above 0, or throws a usage error. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('expected a number above 0')
  return value
}

/** Returns an option as the user types it: `--early-stop` for `earlyStop`. */
export const typedOption = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

const acceptedNames = new WeakMap<object, readonly string[]>()

/** Returns a parser for option values that accepts only the given names; its error suggests the nearest one. */
export function oneOf<Name extends string>(what: string, names: readonly Name[]): (text: string) => Name {
  const parser = (text: string): Name => {
    const name = names.find((known) => known === text)
    if (name === undefined) throw unknownName(what, text, names)
    return name
  }
  acceptedNames.set(parser, names)
  return parser
}

/** Returns the names that an option or argument accepts, if its parser is one of `oneOf`; else undefined. */
export const namesFor = ({ parseArg }: Pick<Option, 'parseArg'>): readonly string[] | undefined =>
  parseArg && acceptedNames.get(parseArg)

/** Checks the path of a picture that a command is to write, and returns it after the paths of earlier such options. */
export const pictureFile = severalTimes((path: string, earlier: readonly string[] = []): string[] => {
  if (!/\.(png|svg|pdf)$/i.test(path)) throw new InvalidArgumentError('expected a file that ends in .png, .svg or .pdf')
  return [...earlier, path]
})

/**
 * Returns a function that tells whether a table build or scoring should stop: after a time limit in minutes or the
 * first Ctrl-C. A second Ctrl-C ends the process at once.
 */
export function stopCondition(limitMinutes = Number.POSITIVE_INFINITY): () => boolean {
  const deadline = Date.now() + 60_000 * limitMinutes
  let interrupted = false
  process.once('SIGINT', () => {
    interrupted = true
  })
  return () => interrupted || Date.now() > deadline
}

/** Parses the limits of a figure's axis from `low,high`; one of the two may be left out. */
export function axisLimits(text: string): AxisLimits {
  const parts = text.split(',').map((part) => (part.trim() === '' ? undefined : Number(part)))
  const [low, high] = parts
  if (parts.length !== 2 || (low === undefined && high === undefined)) {
    throw new InvalidArgumentError('expected two numbers, as 90,95, or one of them, as 90, or ,95')
  }
  if (parts.some((part) => part !== undefined && !Number.isFinite(part))) {
    throw new InvalidArgumentError('expected finite numbers')
  }
  if (low !== undefined && high !== undefined && low >= high) {
    throw new InvalidArgumentError('expected the lower end first, as 90,95')
  }
  return [low, high]
}

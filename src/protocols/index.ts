/**
 * Lists all search protocols by name, and makes a job's protocol from a preset and the changes that the user typed, as
 * `micro:epochs=5`.
 */
import { parseClassWeights } from '../core/classWeights.ts'
import { BenchError } from '../core/errors.ts'
import { REPORTED_METRICS } from '../core/metric.ts'
import { requireOnce, unknownName } from '../core/names.ts'
import type { Protocol } from '../core/protocol.ts'
import { headlines } from './benchmark.ts'
import {
  betaDartsPaper,
  dartsPtPaper,
  dDartsPaper,
  fairDartsPaper,
  idartsPaper,
  lambdaDartsPaper,
  sdartsPaper,
} from './dartsFixes.ts'
import { dartsPaper } from './dartsPaper.ts'
import { drnasPaper } from './drnasPaper.ts'
import { dropnasPaper } from './dropnasPaper.ts'
import { gaeaPaper } from './gaeaPaper.ts'
import { natsPaper } from './natsPaper.ts'
import { nb201Paper } from './nb201Paper.ts'
import { pcdartsPaper } from './pcdartsPaper.ts'
import { pdartsPaper } from './pdartsPaper.ts'
import { type CitedProtocol, citedProtocol, type Preset, plainValues } from './preset.ts'
import { proxylessnasPaper } from './proxylessnasPaper.ts'
import { laptop, micro } from './reduced.ts'
import { robustdartsPaper } from './robustdartsPaper.ts'
import { zenPaper } from './zenPaper.ts'

/** All presets (named search protocols), in the order of `bench list protocols`. */
export const presets: readonly Preset[] = [
  micro,
  laptop,
  drnasPaper,
  nb201Paper,
  natsPaper,
  pcdartsPaper,
  dartsPaper,
  robustdartsPaper,
  gaeaPaper,
  betaDartsPaper,
  sdartsPaper,
  fairDartsPaper,
  dDartsPaper,
  dartsPtPaper,
  zenPaper,
  idartsPaper,
  lambdaDartsPaper,
  dropnasPaper,
  proxylessnasPaper,
  pdartsPaper,
]

/** Finds the preset of a search protocol by its name. @throws BenchError `unknown-name` with the nearest known name */
export function findPreset(name: string): Preset {
  const preset = presets.find((candidate) => candidate.name === name)
  if (preset === undefined) {
    throw unknownName(
      'protocol',
      name,
      presets.map((candidate) => candidate.name),
    )
  }
  return preset
}

/**
 * Returns the search protocol of one job. The text names a preset and may change settings, as in
 * `micro:epochs=5,data.limit=1000`; the protocol's name is the whole text. The setting `headline` chooses the table
 * columns that are reported. `own`: those of the dataset that is searched on; `transfer`: those of all three datasets
 * of NAS-Bench-201.
 *
 * @throws BenchError `unknown-name` for a preset or a setting that does not exist, `bad-input` for a value of the wrong
 * type
 */
export function resolveProtocol(
  text: string,
  job: { readonly space: string; readonly dataset: string; readonly algorithm: string },
): Protocol {
  const [name, changes] = splitOnce(text, ':')
  const settings = (changes?.split(',') ?? []).map(parseChange)
  requireOnce(
    settings.map(([path]) => path),
    `protocol ${text}`,
  )
  const headline = settings.find(([path]) => path === 'headline')?.[1]
  const cited = citedProtocol(findPreset(name), job)
  const values = plainValues(headline === undefined ? cited : { ...cited, headline: headlineNamed(headline) })
  const changed = settings
    .filter(([path]) => path !== 'headline')
    .reduce<Record<string, unknown>>(
      (record, [path, value]) => withSetting(record, path, path.split('.'), value),
      values as unknown as Record<string, unknown>,
    )
  return { name: text, ...(changed as unknown as Omit<Protocol, 'name'>) }
}

/**
 * Checks that the source of a preset states settings for the search space, or that the user states the size of the
 * search network, which differs most between spaces.
 * @param text the protocol's text, as `idarts-paper` or `idarts-paper:network.channels=16,network.depth=8`
 * @throws BenchError `unsupported` otherwise
 */
export function requireSettingsFor(text: string, space: string): void {
  const [name] = splitOnce(text, ':')
  const [family] = space.split('-')
  const other = findPreset(name).insteadOn?.[family]
  const size = ['network.channels', 'network.depth']
  if (other === undefined || size.every((path) => changedSettings(text).includes(path))) return
  const found = `protocol ${name} has no settings for the space ${space}`
  throw new BenchError('unsupported', `${found}; use ${other}, or add ${size.join(' and ')} to the protocol`)
}

/**
 * Returns the paths of the settings that a protocol's text changes, as `architecture.learningRate`. `headline` is left
 * out, because it only chooses what is reported.
 */
export function changedSettings(text: string): readonly string[] {
  const [, changes] = splitOnce(text, ':')
  const paths = (changes?.split(',') ?? []).map((change) => parseChange(change)[0])
  return paths.filter((path) => path !== 'headline')
}

function parseChange(change: string): readonly [path: string, value: string] {
  const [path, value] = splitOnce(change, '=')
  if (value !== undefined) return [path, value]
  throw new BenchError('bad-input', `protocol change "${change}" is not setting=value, as in micro:epochs=5`)
}

function headlineNamed(word: string): CitedProtocol['headline'] {
  const known: Readonly<Record<string, CitedProtocol['headline']>> = headlines
  if (!Object.hasOwn(known, word)) throw unknownName('headline', word, Object.keys(known))
  return known[word]
}

/** Returns a copy of a protocol's settings in which the setting at the path `keys` has the value that `text` states. */
function withSetting(
  record: Record<string, unknown>,
  path: string,
  [key, ...rest]: readonly string[],
  text: string,
): Record<string, unknown> {
  if (!Object.hasOwn(record, key) && !Object.hasOwn(absent, path)) {
    const within = path.split('.').slice(0, -rest.length - 1)
    const full = (name: string) => [...within, name].join('.')
    throw unknownName('protocol setting', full(key), Object.keys(record).map(full))
  }
  const old = record[key] ?? absent[path]
  if (rest.length > 0 && isRecord(old)) return { ...record, [key]: withSetting(old, path, rest, text) }
  if (rest.length > 0 || isRecord(old) || Array.isArray(old)) {
    throw new BenchError('bad-input', `protocol setting "${path}" is not a single value`)
  }
  return { ...record, [key]: parseLike(old, text, path) }
}

/** Protocol settings that most presets do not state, by path, with the value that their absence means. */
const absent: Readonly<Record<string, unknown>> = {
  'architecture.clipNorm': Number.POSITIVE_INFINITY,
  metric: 'top1',
  'network.family': 'cifar',
  'network.dropPath': 0,
  'data.split': 'seeded',
  'data.architecturePortion': 0,
  'data.brokenImages': 'fail',
  'data.sampling': 'uniform',
  'data.classWeights': 'none',
  'data.cutoutGrows': false,
}

/** Returns the value that the absence of a protocol setting means, as text; `none` if absence stands for itself. */
export function textOfAbsent(path: string): string {
  const value = absent[path]
  return value === undefined || value === Number.POSITIVE_INFINITY ? 'none' : String(value)
}

const words: Readonly<Record<string, readonly string[]>> = {
  metric: REPORTED_METRICS,
  stepOrder: ['architecture-first', 'weights-first'],
  'weights.warmUp.of': ['scheduled', 'initial'],
  'network.family': ['cifar', 'imagenet'],
  'data.split': ['seeded', 'fixed', 'benchmark'],
  'data.brokenImages': ['fail', 'skip'],
  'data.sampling': ['uniform', 'balanced'],
}

/**
 * Parses the text of a protocol setting as the type of the value that it replaces: a number, true or false, or a word.
 * For some settings, null may replace a number, and a number null.
 */
function parseLike(old: unknown, text: string, path: string): unknown {
  if (path === 'data.classWeights') return parseClassWeights(text)
  if (typeof old === 'string') {
    if (words[path]?.includes(text) ?? true) return text
    throw new BenchError('bad-input', `${path} is ${words[path].join(' or ')}, not "${text}"`)
  }
  if (typeof old === 'boolean') {
    if (text === 'true' || text === 'false') return text === 'true'
    throw new BenchError('bad-input', `protocol setting "${path}" is true or false, not "${text}"`)
  }
  if (text === 'null' && nullable.has(path)) return null
  const number = Number(text)
  const { what, holds } = ranges.find(({ paths }) => paths.has(path)) ?? nonNegative
  if (text.trim() !== '' && Number.isFinite(number) && holds(number)) return number
  const or = nullable.has(path) ? ', or null' : ''
  throw new BenchError('bad-input', `protocol setting "${path}" is ${what}${or}, not "${text}"`)
}

const nullable: ReadonlySet<string> = new Set(['weights.clipNorm', 'data.imageSize', 'data.limit'])

/** The range of numbers that a protocol setting can have, and its description for error messages. */
interface Range {
  readonly what: string
  holds(value: number): boolean
}

const nonNegative: Range = { what: 'a number of at least 0', holds: (value) => value >= 0 }

/** Allowed ranges of protocol settings, by path. Outside of them a search could not run, or could not learn. */
const ranges: readonly (Range & { readonly paths: ReadonlySet<string> })[] = [
  {
    paths: new Set([
      'epochs',
      'batchSize',
      'weights.halfPeriod',
      'network.channels',
      'network.depth',
      'data.imageSize',
      'data.limit',
    ]),
    what: 'a whole number of at least 1',
    holds: (value) => Number.isSafeInteger(value) && value >= 1,
  },
  {
    paths: new Set(['weights.warmUp.epochs', 'data.cropPadding', 'data.cutout']),
    what: 'a whole number of at least 0',
    holds: (value) => Number.isSafeInteger(value) && value >= 0,
  },
  {
    paths: new Set(['weights.learningRate', 'architecture.learningRate', 'weights.clipNorm', 'architecture.clipNorm']),
    what: 'a number above 0',
    holds: (value) => value > 0,
  },
  {
    paths: new Set(['weights.momentum', 'network.dropPath']),
    what: 'a number from 0 to below 1',
    holds: (value) => value >= 0 && value < 1,
  },
  {
    paths: new Set(['data.trainPortion']),
    what: 'a number above 0, at most 1',
    holds: (value) => value > 0 && value <= 1,
  },
  {
    paths: new Set(['data.architecturePortion']),
    what: 'a number from 0 to 1',
    holds: (value) => value >= 0 && value <= 1,
  },
]

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/**
 * Bounds on what a file from elsewhere may cost in memory, disk space and time. Each has a name, under which it stands in
 * the error of what goes beyond it and can be raised: `--raise NAME=VALUE` on every command.
 */
import { BenchError, type ErrorCode } from './errors.ts'
import { unknownName } from './names.ts'

interface Limit {
  readonly value: number
  readonly unit: string
  /** What is bounded, and what it leaves room for. */
  readonly meaning: string
}

export const LIMITS = {
  'image-megapixels': { value: 100, unit: 'megapixels', meaning: 'one JPEG or PNG file, as its header states it' },
  'image-mib': {
    value: 100,
    unit: 'MiB',
    meaning: 'one JPEG or PNG file, compressed; the largest of ImageNet takes 15',
  },
  'dataset-gib': { value: 2, unit: 'GiB', meaning: 'all images of a dataset in memory; CIFAR-10 takes 0.2' },
  'archive-gib': { value: 200, unit: 'GiB', meaning: 'the unpacked files of an archive; ImageNet takes 145' },
  'archive-files': { value: 5_000_000, unit: 'files', meaning: 'entries of an archive; ImageNet has 1.3 million' },
  'download-gib': { value: 200, unit: 'GiB', meaning: 'a file from the network; ImageNet takes 145' },
  'yaml-kib': { value: 128, unit: 'KiB', meaning: 'an experiment, recipe or mapping file' },
  'yaml-tokens': { value: 20_000, unit: 'tokens', meaning: 'names, values, commas and spaces of such a file' },
  'yaml-depth': { value: 50, unit: 'levels', meaning: 'lists in lists of such a file; an experiment has four' },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof LIMITS

/** Worker processes and threads inherit it. */
const VARIABLE = 'NAS_BENCH_RAISED_LIMITS'

/** The bound in its own unit: as raised, else the default. */
export function limitOf(name: LimitName): number {
  const entry = raised().find((text) => text.startsWith(`${name}=`))
  return entry === undefined ? LIMITS[name].value : Number(entry.slice(name.length + 1))
}

/**
 * Sets a bound for this process and those that it starts.
 * @param text `NAME=VALUE`, the value in the unit of the bound
 * @throws BenchError `unknown-name` or `bad-input`
 */
export function raiseLimit(text: string): void {
  const [, name, number] = /^([^=]*)=(.*)$/s.exec(text) ?? [text, text, '']
  if (!(name in LIMITS)) throw unknownName('limit', name, Object.keys(LIMITS))
  const value = Number(number)
  if (number.trim() === '' || !Number.isFinite(value) || value <= 0) {
    const example = `${name}=${2 * LIMITS[name as LimitName].value}`
    throw new BenchError('bad-input', `--raise ${text}: expected a number above 0, as in ${example}`)
  }
  const others = raised().filter((entry) => !entry.startsWith(`${name}=`))
  process.env[VARIABLE] = [...others, `${name}=${value}`].join(',')
}

const raised = (): readonly string[] => (process.env[VARIABLE] ?? '').split(',')

/**
 * The error for what goes beyond a bound.
 * @param found what was found, as `photos.tar holds 3.1 GiB`
 * @param remedy what else helps, as `give a smaller --image-size`
 */
export function beyondLimit(name: LimitName, found: string, remedy = '', code: ErrorCode = 'bad-input'): BenchError {
  const bound = limitOf(name)
  const other = remedy === '' ? '' : `${remedy}, or `
  return new BenchError(
    code,
    `${found}; the limit is ${bound} ${LIMITS[name].unit}: ${other}raise it with --raise ${name}=${2 * bound}`,
  )
}

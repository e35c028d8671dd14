/**
 * Limits on the memory, disk space and CPU time that an untrusted file may use. Every error about an exceeded limit
 * names the limit, and every command can raise it with `--raise NAME=VALUE`.
 */
import { totalmem } from 'node:os'
import { BenchError, type ErrorCode } from '../core/errors.ts'
import { unknownName } from '../core/names.ts'

interface Limit {
  readonly value: number
  readonly unit: string
  /** What the limit bounds, with a typical value for comparison; shown by `bench list limits`. */
  readonly meaning: string
}

/** Memory of the machine or the container, in bytes; the operating system kills processes that use more. */
const machineBytes = Math.min(totalmem(), process.constrainedMemory?.() || Number.POSITIVE_INFINITY)
const machineGib = Math.round((0.75 * machineBytes) / 2 ** 27) / 8

export const LIMITS = {
  'image-megapixels': { value: 100, unit: 'megapixels', meaning: 'one JPEG or PNG file, as its header states it' },
  'image-mib': {
    value: 100,
    unit: 'MiB',
    meaning: 'one JPEG or PNG file, compressed; the largest of ImageNet takes 15',
  },
  'dataset-gib': { value: 2, unit: 'GiB', meaning: 'all images of a dataset in memory; CIFAR-10 takes 0.2' },
  'archive-gib': { value: 200, unit: 'GiB', meaning: 'the unpacked files of an archive; ImageNet takes 145' },
  'archive-ratio': {
    value: 100,
    unit: 'times',
    meaning: 'the same over the size of the archive; images compress little',
  },
  'archive-files': { value: 5_000_000, unit: 'files', meaning: 'entries of an archive; ImageNet has 1.3 million' },
  'download-gib': { value: 200, unit: 'GiB', meaning: 'a file from the network; ImageNet takes 145' },
  'yaml-kib': { value: 128, unit: 'KiB', meaning: 'an experiment, recipe or mapping file' },
  'yaml-tokens': { value: 20_000, unit: 'tokens', meaning: 'names, values, commas and spaces of such a file' },
  'yaml-depth': { value: 50, unit: 'levels', meaning: 'lists in lists of such a file; an experiment has four' },
  'genotype-mib': { value: 64, unit: 'MiB', meaning: 'a file with an architecture in it, such as the log of a search' },
  'source-gib': {
    value: Math.min(4, machineGib),
    unit: 'GiB',
    meaning: 'memory of the process that reads the source of a table; NAS-Bench-201 takes 0.4',
  },
  'source-seconds': { value: 120, unit: 'seconds', meaning: 'work on the source of a table in which nothing was read' },
  'source-rows': { value: 4_000_000, unit: 'rows', meaning: 'architectures of a source; NAS-Bench-101 has 423,624' },
  'source-columns': { value: 10_000, unit: 'columns', meaning: 'columns of a source; NATS-Bench has some 200' },
  'source-numbers': {
    value: 50_000_000,
    unit: 'numbers',
    meaning: 'rows times columns of a source, or the curves of one record; NATS-Bench has 3 million',
  },
  'gzip-gib': { value: 64, unit: 'GiB', meaning: 'a gzipped source, unpacked' },
  'csv-line-kib': { value: 4096, unit: 'KiB', meaning: 'a line of a CSV file' },
  'csv-blank-lines': { value: 100_000, unit: 'lines', meaning: 'blank lines of a CSV file in a row' },
  'architecture-length': { value: 10_000, unit: 'characters', meaning: 'an architecture string; genotypes have 600' },
  'report-mib': {
    value: 256,
    unit: 'MiB',
    meaning: 'the records of a compact report, unpacked; 7,500 searches take 20',
  },
  'record-mib': { value: 256, unit: 'MiB', meaning: 'a NATS-Bench record, unpacked; those of the release take 0.4' },
  'record-epochs': { value: 10_000, unit: 'epochs', meaning: 'a training in a record; NAS-Bench-201 has 200' },
  'parquet-page-mib': { value: 256, unit: 'MiB', meaning: 'a page of a Parquet file; writers make them of 1' },
  'directory-mib': {
    value: 64,
    unit: 'MiB',
    meaning: 'the list of contents of a Parquet file or a zip archive, or the manifest of a table',
  },
  'pickle-mib': {
    value: 256,
    unit: 'MiB',
    meaning: 'lists, dicts and references of a pickle that are held at a time; those of CIFAR take 20',
  },
  'pickle-integer-bytes': { value: 32, unit: 'bytes', meaning: 'an integer of a pickle; PyTorch writes one of 10' },
  'program-line-kib': { value: 1024, unit: 'KiB', meaning: 'a message of a method that is a program' },
  'program-silence-seconds': {
    value: 1800,
    unit: 'seconds',
    meaning: 'such a program sends and prints nothing while an answer of it is awaited',
  },
  'program-gib': { value: machineGib, unit: 'GiB', meaning: 'memory of such a program and of the processes it starts' },
  'program-log-mib': { value: 64, unit: 'MiB', meaning: 'what such a program prints in one run' },
  'program-checkpoint-mib': { value: 2048, unit: 'MiB', meaning: 'the files that such a program saves at a time' },
  'program-files': { value: 1000, unit: 'files', meaning: 'source files of such a program, which identify its jobs' },
  'runs-mib': { value: 256, unit: 'MiB', meaning: 'a file of runs to import, unpacked; a log of a search takes 1' },
  'runs-number': { value: 100_000, unit: 'runs', meaning: 'runs of a file to import' },
  'run-points': { value: 100_000, unit: 'points', meaning: 'epochs or times of a run to import' },
  'pickle-line-kib': { value: 16_384, unit: 'KiB', meaning: 'a line of a pickle of protocol 0, as an array is' },
} as const satisfies Readonly<Record<string, Limit>>

export type LimitName = keyof typeof LIMITS

/** Name of the environment variable that passes the limits raised by the user to worker processes and threads. */
const VARIABLE = 'NAS_BENCH_RAISED_LIMITS'

/** Returns the value of a limit in the limit's unit: the default, or the value to which the user raised it. */
export function limitOf(name: LimitName): number {
  const entry = raised().find((text) => text.startsWith(`${name}=`))
  return entry === undefined ? LIMITS[name].value : Number(entry.slice(name.length + 1))
}

/**
 * Changes a limit for this process and its child processes.
 * @param text `NAME=VALUE`, with the value in the unit of the limit
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

/** The error for an exceeded limit: with the limit raised, the same input is accepted. */
export class LimitError extends BenchError {}

/**
 * Returns the error for an exceeded limit.
 * @param found what exceeds it, such as `photos.tar holds 3.1 GiB`
 * @param remedy what the user can do besides raising the limit, such as `give a smaller --image-size`
 */
export function beyondLimit(name: LimitName, found: string, remedy = '', code: ErrorCode = 'bad-input'): BenchError {
  const bound = limitOf(name)
  const other = remedy === '' ? '' : `${remedy}, or `
  return new LimitError(
    code,
    `${found}; the limit is ${bound} ${LIMITS[name].unit}: ${other}raise it with --raise ${name}=${2 * bound}`,
  )
}

/**
 * Checks that a count does not exceed a limit.
 * @param what what contains the counted things, for the message
 * @throws BenchError if the limit is exceeded
 */
export function checkLimit(name: LimitName, count: number, what: string): void {
  const bound = limitOf(name)
  if (count > bound) throw beyondLimit(name, `${what} has more than ${bound} ${LIMITS[name].unit}`)
}

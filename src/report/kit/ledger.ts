/**
 * The compute ledger of a report: processor and GPU hours of each method, of each experiment and in total, including
 * failed, interrupted and preliminary runs.
 */
import { pluralize } from '../../core/plainText.ts'
import { absent, type Cell, count, number, type Tabular, word } from '../formats/tabular.ts'
import { groupByMethod, labelOf } from '../methods.ts'
import { hasFailed, isUnfinished, type RunRecord } from '../runRecord.ts'

/**
 * Compute of a set of runs: the numbers of all, failed and unfinished runs, their processor time, and their wall-clock
 * hours on CPUs and on GPUs.
 */
export interface Compute {
  readonly runs: number
  readonly failed: number
  readonly unfinished: number
  /** Processor hours over all threads; absent if no run recorded its processor time. */
  readonly coreHours?: number
  /** Number of runs with a wall-clock time but without a processor time; absent if `coreHours` is. */
  readonly withoutCoreHours?: number
  /** Wall-clock hours of the runs on CPUs. */
  readonly cpuHours: number
  /** Wall-clock hours of the runs on GPUs. */
  readonly gpuHours: number
  /** Number of runs whose duration was not recorded, such as failed runs in compact reports and imported runs. */
  readonly untimed: number
}

/**
 * Compute of preliminary runs, such as trials, which were made for a report but are not shown in it; the report's
 * settings state it.
 */
export interface PreliminaryCompute extends Compute {
  readonly name: string
}

/** One of several experiments, stores or reports that a report was made from, with the ids of its runs. */
export interface ExperimentRuns {
  readonly name: string
  readonly runs: readonly string[]
}

/** Returns the compute of a set of runs. A run that is in several reports or stores counts once. */
export function computeOf(runs: readonly RunRecord[]): Compute {
  const once = [...new Map(runs.map((run) => [run.manifest.id, run])).values()]
  const times = once.map((run) => ({ run, seconds: secondsOf(run), processor: run.result?.timing.processorSeconds }))
  const hours = (isGpu: boolean) =>
    times.filter(({ run }) => ranOnGpu(run) === isGpu).reduce((sum, { seconds = 0 }) => sum + seconds, 0) / 3600
  const measured = times.flatMap(({ processor }) => processor ?? [])
  const timed = times.filter(({ seconds }) => seconds !== undefined).length
  return {
    runs: once.length,
    failed: once.filter(hasFailed).length,
    unfinished: once.filter(isUnfinished).length,
    ...(measured.length > 0 && {
      coreHours: measured.reduce((a, b) => a + b, 0) / 3600,
      withoutCoreHours: timed - measured.length,
    }),
    cpuHours: hours(false),
    gpuHours: hours(true),
    untimed: once.length - timed,
  }
}

/**
 * Returns the wall-clock seconds of a finished run, or the sum of the epochs' seconds of an unfinished one; undefined
 * if they were not recorded, as for imported runs and for runs that ended before their first epoch.
 */
function secondsOf({ manifest, result, epochs }: RunRecord): number | undefined {
  if (manifest.job.imported !== undefined) return undefined
  if (result !== undefined) return result.timing.wallSeconds
  const seconds = (epochs as readonly { readonly seconds?: number }[]).map((epoch) => epoch.seconds)
  if (seconds.length === 0 || seconds.some((value) => value === undefined)) return undefined
  return seconds.reduce<number>((a, b = 0) => a + b, 0)
}

/** Returns whether a run trained on a GPU, according to its executor's arithmetic or its recorded timing. */
const ranOnGpu = ({ manifest: { job }, result }: RunRecord): boolean =>
  job.arithmetic === 'device' || result?.timing.search?.device === 'gpu'

/** Returns the sum of the compute of several sets of runs. */
function sumOf([first, ...others]: readonly Compute[]): Compute {
  return others.reduce((sum, part) => {
    const isMeasured = sum.coreHours !== undefined || part.coreHours !== undefined
    return {
      runs: sum.runs + part.runs,
      failed: sum.failed + part.failed,
      unfinished: sum.unfinished + part.unfinished,
      ...(isMeasured && {
        coreHours: (sum.coreHours ?? 0) + (part.coreHours ?? 0),
        withoutCoreHours: unmeasuredRuns(sum) + unmeasuredRuns(part),
      }),
      cpuHours: sum.cpuHours + part.cpuHours,
      gpuHours: sum.gpuHours + part.gpuHours,
      untimed: sum.untimed + part.untimed,
    }
  }, first)
}

/** Returns the number of runs with a wall-clock time but without a processor time. */
const unmeasuredRuns = ({ coreHours, withoutCoreHours = 0, runs, untimed }: Compute): number =>
  coreHours === undefined ? runs - untimed : withoutCoreHours

/** Returns the hours of several sets of runs in words: `3.20 core hours, 4.10 wall hours on CPUs and 0.00 GPU hours`. */
export function hoursText(parts: readonly Compute[]): string {
  const { coreHours, withoutCoreHours = 0, cpuHours, gpuHours } = sumOf(parts)
  const wall = `${cpuHours.toFixed(2)} wall hours on CPUs and ${gpuHours.toFixed(2)} GPU hours`
  if (coreHours === undefined) return `${wall} (processor time was not recorded)`
  const lacking = withoutCoreHours > 0 ? ` (not recorded for ${pluralize(withoutCoreHours, 'run')})` : ''
  return `${coreHours.toFixed(2)} core hours${lacking}, ${wall}`
}

/** Further runs and groups of runs that a ledger has rows for. */
export interface LedgerOptions {
  readonly preliminary?: readonly PreliminaryCompute[]
  /** The experiments that the report was made from; fewer than two: none has a row. */
  readonly experiments?: readonly ExperimentRuns[]
}

/**
 * Returns the ledger as a table: one row for each method, for each of several experiments and for preliminary runs,
 * then the total. A run of several experiments counts once in the total.
 */
export function ledgerTable(
  runs: readonly RunRecord[],
  { preliminary = [], experiments = [] }: LedgerOptions = {},
): Tabular {
  const methods = groupByMethod(runs).map((method) => ({ name: labelOf(method), ...computeOf(method.runs) }))
  const parts = (experiments.length > 1 ? experiments : []).map(({ name, runs: ids }) => {
    const own = new Set(ids)
    return { name, ...computeOf(runs.filter(({ manifest }) => own.has(manifest.id))) }
  })
  const total = sumOf([computeOf(runs), ...preliminary])
  const trials = preliminary.map(({ name, ...part }) => ({ name: `preliminary: ${name}`, ...part }))
  const isMeasured = total.coreHours !== undefined
  const imported = new Set(runs.flatMap(({ manifest }) => (manifest.job.imported === undefined ? [] : [manifest.id])))
    .size
  const row = ({ name, ...part }: { readonly name: string } & Compute): Cell[] => [
    word(name),
    count(part.runs),
    count(part.failed),
    count(part.unfinished),
    ...(isMeasured ? [part.coreHours === undefined ? absent : number(part.coreHours, 2)] : []),
    ...(part.untimed === part.runs ? [absent, absent] : [number(part.cpuHours, 2), number(part.gpuHours, 2)]),
  ]
  const unrecorded = [
    ...(imported > 0 ? [pluralize(imported, 'imported run')] : []),
    ...(total.untimed > imported ? [`${pluralize(total.untimed - imported, 'run')} without a result`] : []),
  ]
  return {
    columns: [
      { title: 'Runs of', key: 'method' },
      { title: 'Runs', key: 'runs' },
      { title: 'Failed', key: 'failed' },
      { title: 'Unfinished', key: 'unfinished' },
      ...(isMeasured ? [{ title: 'Core hours', key: 'coreHours' }] : []),
      { title: 'Wall hours on CPUs', key: 'wallHours' },
      { title: 'GPU hours', key: 'gpuHours' },
    ],
    rows: [...methods, ...parts, ...trials, { name: 'total', ...total }].map(row),
    groups: [
      { title: 'Methods', rows: methods.length },
      { title: 'Experiments', rows: parts.length },
      { title: 'Preliminary runs', rows: trials.length },
      { title: 'Total', rows: 1 },
    ].filter((group) => group.rows > 0),
    notes: [
      ...(isMeasured
        ? [
            `Core hours are processor time over all threads, all attempts together.${total.withoutCoreHours ? ` Not recorded for ${pluralize(total.withoutCoreHours, 'run')}, such as failed ones and those of earlier versions.` : ''}`,
          ]
        : ['Processor time was not recorded for these runs.']),
      'Wall hours are those of the process of each run, all attempts together; where several share the cores, a run takes more of them.',
      ...(unrecorded.length > 0 ? [`Not counted: ${unrecorded.join(' and ')}, whose time was not recorded.`] : []),
      ...(preliminary.length === 0 ? ['No preliminary runs were named (--preliminary).'] : []),
    ],
  }
}

/**
 * The compute ledger of a report: CPU and GPU hours of each method and in total, including failed, interrupted and
 * preliminary runs.
 */
import { pluralize } from '../../core/plainText.ts'
import { count, number, type Tabular, word } from '../formats/tabular.ts'
import { groupByMethod, labelOf } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

/**
 * Compute of a set of runs: the numbers of all, failed and unfinished runs, and their wall-clock hours on CPUs and on
 * GPUs.
 */
export interface Compute {
  readonly runs: number
  readonly failed: number
  readonly unfinished: number
  readonly cpuHours: number
  readonly gpuHours: number
  /** Number of runs whose duration was not recorded, such as failed runs in compact reports. */
  readonly untimed: number
}

/**
 * Compute of preliminary runs, such as trials, which were made for a report but are not shown in it; the report's
 * settings state it.
 */
export interface PreliminaryCompute extends Compute {
  readonly name: string
}

/** Returns the compute of a set of runs. A run that is in several reports or stores counts once. */
export function computeOf(runs: readonly RunRecord[]): Compute {
  const once = [...new Map(runs.map((run) => [run.manifest.id, run])).values()]
  const times = once.map((run) => ({ run, seconds: secondsOf(run) }))
  const hours = (isGpu: boolean) =>
    times.filter(({ run }) => ranOnGpu(run) === isGpu).reduce((sum, { seconds = 0 }) => sum + seconds, 0) / 3600
  return {
    runs: once.length,
    failed: once.filter(({ result, failure }) => result === undefined && failure !== undefined).length,
    unfinished: once.filter(({ result, failure }) => result === undefined && failure === undefined).length,
    cpuHours: hours(false),
    gpuHours: hours(true),
    untimed: times.filter(({ seconds }) => seconds === undefined).length,
  }
}

/**
 * Returns the wall-clock seconds of a finished run, or the sum of the epochs' seconds of an unfinished one; undefined
 * if they were not recorded.
 */
function secondsOf({ result, epochs }: RunRecord): number | undefined {
  if (result !== undefined) return result.timing.wallSeconds
  const seconds = (epochs as readonly { readonly seconds?: number }[]).map((epoch) => epoch.seconds)
  return seconds.some((value) => value === undefined) ? undefined : seconds.reduce<number>((a, b = 0) => a + b, 0)
}

/** Returns whether a run trained on a GPU, according to its executor's arithmetic or its recorded timing. */
const ranOnGpu = ({ manifest: { job }, result }: RunRecord): boolean =>
  job.arithmetic === 'device' || result?.timing.search?.device === 'gpu'

/** Returns the ledger as a table: one row for each method, then preliminary runs, then the total. */
export function ledgerTable(runs: readonly RunRecord[], preliminary: readonly PreliminaryCompute[] = []): Tabular {
  const methods = groupByMethod(runs).map((method) => ({ name: labelOf(method), ...computeOf(method.runs) }))
  const all = [computeOf(runs), ...preliminary]
  const total = all.reduce((sum, part) => ({
    runs: sum.runs + part.runs,
    failed: sum.failed + part.failed,
    unfinished: sum.unfinished + part.unfinished,
    cpuHours: sum.cpuHours + part.cpuHours,
    gpuHours: sum.gpuHours + part.gpuHours,
    untimed: sum.untimed + part.untimed,
  }))
  const rows = [...methods, ...preliminary.map(({ name, ...part }) => ({ name: `preliminary: ${name}`, ...part }))]
  return {
    columns: [
      { title: 'Runs of', key: 'method' },
      { title: 'Runs', key: 'runs' },
      { title: 'Failed', key: 'failed' },
      { title: 'Unfinished', key: 'unfinished' },
      { title: 'CPU hours', key: 'cpuHours' },
      { title: 'GPU hours', key: 'gpuHours' },
    ],
    rows: [...rows, { name: 'total', ...total }].map((row) => [
      word(row.name),
      count(row.runs),
      count(row.failed),
      count(row.unfinished),
      number(row.cpuHours, 2),
      number(row.gpuHours, 2),
    ]),
    groups: [
      { title: 'Methods', rows: methods.length },
      { title: 'Preliminary runs', rows: preliminary.length },
      { title: 'Total', rows: 1 },
    ].filter((group) => group.rows > 0),
    notes: [
      'Hours of wall time of one process, all attempts together. A search on WebAssembly uses one core unless --threads says otherwise, so that CPU hours are core hours.',
      ...(total.untimed > 0
        ? [`Not counted: ${pluralize(total.untimed, 'run')} without a result whose time was not recorded.`]
        : []),
      ...(preliminary.length === 0 ? ['No preliminary runs were named (--preliminary).'] : []),
    ],
  }
}

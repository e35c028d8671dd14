/**
 * The ledger of all compute: hours of every run of a report, failed, interrupted and preliminary runs included, on CPUs
 * and GPUs, for each method and in total.
 */
import { pluralize } from '../../core/plainText.ts'
import { count, number, type Tabular, word } from '../formats/tabular.ts'
import { groupByMethod, labelOf } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

/** Compute of several runs, in hours of wall time by kind of device. */
export interface Compute {
  readonly runs: number
  readonly failed: number
  readonly unfinished: number
  readonly cpuHours: number
  readonly gpuHours: number
  /** Number of runs that ended without a recorded time, as failed runs of compact reports. */
  readonly untimed: number
}

/** Runs that a report does not show but that were computed for it, such as trials, as numbers in its settings. */
export interface PreliminaryCompute extends Compute {
  readonly name: string
}

/** Returns the compute of runs. Each run counts once, whatever the number of reports or stores that it is in. */
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

/** Returns the wall-clock seconds of a run; of one without a result those of its epochs, undefined if not recorded. */
function secondsOf({ result, epochs }: RunRecord): number | undefined {
  if (result !== undefined) return result.timing.wallSeconds
  const seconds = (epochs as readonly { readonly seconds?: number }[]).map((epoch) => epoch.seconds)
  return seconds.some((value) => value === undefined) ? undefined : seconds.reduce<number>((a, b = 0) => a + b, 0)
}

/** Returns whether a run trained on a GPU, as its executor's arithmetic or its timing says. */
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

/**
 * `bench status --watch`: shows the running jobs with epoch, loss, accuracy and time left, and updates them until no
 * job is running any more.
 */
import { setTimeout } from 'node:timers/promises'
import { firstLine, pluralize } from '../core/plainText.ts'
import { renderTable } from '../report/formats/renderTable.ts'
import { absent, count, number, type Tabular, titled, word } from '../report/formats/tabular.ts'
import { distinguishingSettings } from '../report/listings/distinguishingSettings.ts'
import type { LiveProgress, LiveProgressReaders } from '../runner/liveProgress.ts'
import { SlurmFailure } from '../runner/slurm/arrays.ts'
import type { RunStatus } from '../runner/status.ts'
import type { Store } from '../runner/store/store.ts'
import { clearLines, print, printAsideLine } from './output.ts'
import { formatDuration } from './progressTracker.ts'

/** The state of a run, and the store that it is in; no store if the run was read from a report. */
export type StoredRun = RunStatus & { readonly store?: Store }

export interface WatchOptions {
  /** Returns whether a process runs a plan in one of the stores, so that further runs may begin. */
  isAtWork(): boolean
  /** Seconds between two updates. */
  readonly intervalSeconds: number
  /** Readers of the progress of runs, which `look` may share. */
  readonly readers: LiveProgressReaders
  /** Whether each update prints one line of JSON; else a table, which is redrawn in place on a terminal. */
  readonly json: boolean
}

/**
 * Prints the progress of runs until none is running, queued or yet to begin, Ctrl-C is pressed or standard output is closed.
 * On a terminal the table is redrawn in place; otherwise it is printed again when it changed.
 * @param look returns the present states of the runs
 */
export async function watchRuns(look: () => Promise<readonly StoredRun[]>, options: WatchOptions): Promise<void> {
  const draw = options.json ? printLine : process.stdout.isTTY ? redrawing() : printingChanges()
  const stop = stopSignal()
  const lookAgain = patientWithSlurm(look)
  try {
    while (!stop.signal.aborted) {
      // This is asked before the runs are read: a run that ends in between then gets one more look.
      const isAtWork = options.isAtWork()
      const runs = await lookAgain()
      if (runs === undefined) {
        await pause(1000 * options.intervalSeconds, stop.signal)
        continue
      }
      const running = runs.flatMap((run): Running[] =>
        run.state === 'running' && run.store ? [{ run, progress: options.readers.of(run.store).progressOf(run) }] : [],
      )
      draw(runs, running)
      if (!isAtWork && !runs.some(({ state }) => state === 'running' || state === 'queued')) return
      await pause(1000 * options.intervalSeconds, stop.signal)
    }
  } finally {
    stop.end()
  }
}

interface Running {
  readonly run: StoredRun
  readonly progress: LiveProgress
}

type Draw = (runs: readonly RunStatus[], running: readonly Running[]) => void

/** Returns a signal that is aborted by Ctrl-C, SIGTERM or a closed standard output, and a function that ends this. */
export function stopSignal(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const stop = () => controller.abort()
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, stop)
  process.stdout.once('error', stop)
  const end = () => {
    for (const signal of signals) process.off(signal, stop)
    process.stdout.off('error', stop)
  }
  return { signal: controller.signal, end }
}

/**
 * Returns a function that looks as `look` does, but returns undefined where Slurm does not answer, and prints why once.
 * Slurm's controller may be busy or restart, and a command that watches runs for days has to outlast that.
 * @throws the error of the first look, at which Slurm must answer
 */
export function patientWithSlurm<T>(look: () => T | Promise<T>): () => Promise<T | undefined> {
  let hasLooked = false
  let told = ''
  return async () => {
    try {
      const found = await look()
      hasLooked = true
      told = ''
      return found
    } catch (error) {
      if (!hasLooked || !(error instanceof SlurmFailure)) throw error
      if (error.message !== told) printAsideLine(`waiting: ${error.message}`)
      told = error.message
      return undefined
    }
  }
}

/** Waits the given number of milliseconds, or until the signal is aborted. */
export const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  setTimeout(milliseconds, undefined, { signal }).catch(() => {})

/** Prints the present state as a line of JSON: the time, the number of runs in each state, and every running job. */
const printLine: Draw = (runs, running) => {
  const settings = distinguishingSettings(runs)
  const jobs = running.map(({ run: { id, job }, progress }) => ({
    ...{ id, algorithm: job.algorithm.name, dataset: job.dataset.name, seed: job.seed },
    ...(settings.has(id) && { options: settings.get(id) }),
    ...progress,
  }))
  const failed = runs.flatMap(({ id, state, failure }) => (state === 'failed' ? [{ id, failure }] : []))
  const record = { time: new Date().toISOString(), states: statesOf(runs), running: jobs, failed }
  print(`${JSON.stringify(record)}\n`)
}

/** Returns the number of runs in each state that occurs. */
function statesOf(runs: readonly RunStatus[]): Record<string, number> {
  const states: Record<string, number> = {}
  for (const { state } of runs) states[state] = (states[state] ?? 0) + 1
  return states
}

/**
 * Returns a function that prints the states of runs as a table, unless only the time left changed since the last one.
 */
function printingChanges(): Draw {
  let last = ''
  return (runs, running) => {
    const timeless = renderTable(watchTable(runs, running, false), 'text')
    if (timeless === last) return
    last = timeless
    print(`${new Date().toISOString()}\n${renderTable(watchTable(runs, running), 'text')}\n`)
  }
}

/** Returns a function that draws the states of runs on the terminal, in place of the table it drew before. */
function redrawing(): Draw {
  let drawn = 0
  return (runs, running) => {
    const { columns = 80, rows = 24 } = process.stdout
    const lines = renderTable(watchTable(runs, running), 'text', columns).trimEnd().split('\n')
    // A line that wraps, or a table higher than the terminal, could not be drawn over.
    const most = Math.max(3, rows - 1)
    const hidden = lines.length - most
    const shown =
      hidden > 0
        ? [...lines.slice(0, most - 2), `… ${pluralize(hidden + 1, 'more line')}`, lines[lines.length - 1]]
        : lines
    const text = shown.map((line) => `${[...line].slice(0, columns).join('')}\n`).join('')
    clearLines(drawn)
    print(text)
    drawn = shown.length
  }
}

/** Returns the table of the runs' present states. @param isTimed whether the table shows the time left */
function watchTable(runs: readonly RunStatus[], running: readonly Running[], isTimed = true): Tabular {
  const states = Object.entries(statesOf(runs)).map(([state, number]) => `${number} ${state}`)
  const failures = runs.flatMap(({ id, state, failure = '' }) =>
    state === 'failed' ? [`${id} failed: ${firstLine(failure)}`] : [],
  )
  const settings = distinguishingSettings(runs)
  const options = settings.size > 0 ? ['options'] : []
  return {
    columns: titled([
      ...['algorithm', ...options, 'dataset', 'seed', 'phase', 'epoch', 'loss', 'accuracy', 'ETA', 'run'],
    ]).map((column) => (column.key === 'run' ? { ...column, optional: 1 } : column)),
    rows: running.map(({ run: { id, job }, progress: { phase, epoch, epochs, loss, accuracyPct, etaSeconds } }) => [
      word(job.algorithm.name),
      ...(settings.size > 0 ? [word(settings.get(id) || undefined)] : []),
      word(job.dataset.name),
      count(job.seed),
      word(phase),
      word(epochs === undefined ? `${epoch}` : `${epoch}/${epochs}`),
      number(loss, 3),
      accuracyPct === undefined ? absent : word(`${accuracyPct.toFixed(2)} %`),
      etaSeconds === undefined || !isTimed ? absent : word(formatDuration(etaSeconds)),
      word(id),
    ]),
    notes: [...failures, [pluralize(runs.length, 'run'), ...states].join(', ')],
  }
}

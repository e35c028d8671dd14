/** `bench report --watch`: writes the report page anew as its runs proceed, until none is running. */
import { BenchError } from '../core/errors.ts'
import { queuedJobs } from '../runner/slurm/arrays.ts'
import type { RunFolder } from '../runner/store/runFolder.ts'
import { printAsideLine } from './output.ts'
import { type SelectionFlags, selectedFolders, selectedStores } from './runSelection.ts'
import { patientWithSlurm, pause, stopSignal } from './watchStatus.ts'

interface PageWriter<Written> {
  /** Writes the page, which a browser reloads after that many seconds; absent: never. */
  write(refreshSeconds?: number): Promise<Written>
  /** Tells the user that the page was written while that many runs were running. */
  tell(written: Written, running: number): void
}

interface WatchFlags extends SelectionFlags {
  /** Seconds between two looks at the runs. */
  readonly interval?: number
  readonly quiet?: boolean
}

/** Writes a page whenever records of its runs changed, until no run is running or queued or Ctrl-C is pressed. */
export async function watchReport<Written>(
  items: readonly string[],
  flags: WatchFlags,
  { write, tell }: PageWriter<Written>,
): Promise<void> {
  const { interval = 10, quiet = false } = flags
  const stop = stopSignal()
  const stores = await selectedStores(items, flags)
  const isAnyAtWork = patientWithSlurm(() => stores.some((store) => store.isAtWork() || queuedJobs(store).size > 0))
  /** The state of the runs that the page shows; undefined before the first page. */
  let shown: string | undefined
  let told = ''
  try {
    while (!stop.signal.aborted) {
      // This is asked before the runs are read: a run that ends in between then gets one more look.
      const isAtWork = (await isAnyAtWork()) ?? true
      const folders = await selectedFolders(items, flags)
      const progress = folders.map(progressOf)
      const running = progress.filter(({ state }) => state === 'running').length
      const goesOn = isAtWork || running > 0
      const state = JSON.stringify([goesOn, progress])
      if (state !== shown && (await tryToWrite(goesOn, running))) shown = state
      if (!goesOn) return
      await pause(1000 * interval, stop.signal)
    }
    // The page that is left behind has nothing to wait for.
    if (shown !== undefined) await write()
  } finally {
    stop.end()
  }

  /** Writes the page, and returns whether it could: the first runs may have no numbers yet. */
  async function tryToWrite(goesOn: boolean, running: number): Promise<boolean> {
    try {
      tell(await write(goesOn ? interval : undefined), running)
      return true
    } catch (error) {
      if (!goesOn || !(error instanceof BenchError)) throw error
      if (error.message !== told && !quiet) printAsideLine(`waiting: ${error.message}`)
      told = error.message
      return false
    }
  }
}

/** Returns the state of a run, and the number of its epochs unless it is finished: no records of finished runs are read. */
function progressOf(run: RunFolder) {
  const state = run.state()
  return { id: run.id, state, ...(state !== 'finished' && { epochs: run.epochCount() }) }
}

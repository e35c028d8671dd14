/**
 * Shows the progress of long work as a count of what is done, such as trainings of a table build, bytes of a download
 * or architectures of an import. On a terminal one line is redrawn in place; elsewhere a line is printed every few
 * seconds.
 */
import type { WriteStream } from 'node:tty'
import { pluralize } from '../core/plainText.ts'
import type { BuildProgress } from '../tablebuild/buildTable.ts'
import { paintFor } from './output.ts'
import { formatDuration } from './progressTracker.ts'

const BAR_WIDTH = 24

/**
 * Returns a function that shows the progress of building a lookup table by training or scoring, as one line on a
 * stream. On a terminal the line is cleared when the build is done.
 * @param noun what is counted
 */
export function buildProgress(stream: WriteStream, noun = 'training'): (progress: BuildProgress) => void {
  const paint = paintFor(stream)
  const startMs = Date.now()
  const isDue = throttle(stream.isTTY ? 200 : 10_000, 0)
  return (progress) => {
    const { total, before, done } = progress
    const isOver = before + done === total
    if (!isDue() && !isOver) return
    const remaining = remainingBuild(progress, (Date.now() - startMs) / 1000)
    const text = `${before + done} of ${pluralize(total, noun)}  ${remaining}`.trimEnd()
    if (!stream.isTTY) stream.write(`${text}\n`)
    else if (isOver) stream.write('\r\u001b[0K')
    else stream.write(`\r\u001b[0K${bar((before + done) / total, paint)}  ${text}`)
  }
}

function bar(fraction: number, paint: ReturnType<typeof paintFor>): string {
  const full = Math.round(BAR_WIDTH * fraction)
  return paint('━'.repeat(full), 'cyan') + paint('─'.repeat(BAR_WIDTH - full), 'dim')
}

/**
 * Returns the seconds per training and the estimated time left of a table build as text, from the trainings done since
 * the command began; empty if there are none yet.
 */
function remainingBuild({ total, before, done }: BuildProgress, seconds: number): string {
  if (done === 0 || before + done === total) return ''
  const each = seconds / done
  return `${each.toPrecision(2)} s each  ETA ${formatDuration(each * (total - before - done))}`
}

/** Progress display of a download, or of an import of a lookup table. */
export interface AmountProgress {
  show(done: number, total: number | undefined): void
  /** Ends the progress display: clears its line on a terminal. */
  end(): void
}

/** Returns a progress display for a download, which counts megabytes. */
export const transferProgress = (stream: NodeJS.WriteStream): AmountProgress => amountProgress(stream, megabytes)

/** Returns a progress display for the import of a lookup table, which counts architectures. */
export const importProgress = (stream: NodeJS.WriteStream): AmountProgress => amountProgress(stream, architectures)

/** Returns a progress display for the import of runs that other programs recorded, which counts runs. */
export const runProgress = (stream: NodeJS.WriteStream): AmountProgress => amountProgress(stream, runsDone)

const runsDone = (done: number, total?: number): string =>
  total === undefined ? pluralize(done, 'run') : `${done} of ${pluralize(total, 'run')}`

/** Returns a progress display for work on images, such as inference with a trained network, which counts images. */
export const imageProgress = (stream: NodeJS.WriteStream): AmountProgress => amountProgress(stream, imagesDone)

const imagesDone = (done: number, total?: number): string =>
  total === undefined ? pluralize(done, 'image') : `${done} of ${pluralize(total, 'image')}`

const megabytes = (done: number, total?: number): string =>
  total === undefined ? `${(done / 1e6).toFixed(1)} MB` : `${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`

const architectures = (done: number, total?: number): string =>
  total === undefined ? `${pluralize(done, 'architecture')}` : `${done} of ${pluralize(total, 'architecture')}`

function amountProgress(stream: NodeJS.WriteStream, amount: (done: number, total?: number) => string): AmountProgress {
  const startMs = Date.now()
  const isDue = throttle(stream.isTTY ? 120 : 3000, startMs)
  let first: number | undefined
  let isDrawn = false
  return {
    show(done, total) {
      first ??= done
      if (!isDue()) return
      isDrawn = true
      const perMs = (done - first) / Math.max(1, Date.now() - startMs)
      const line = [amount(done, total), ...remainingAmount(done, total, perMs)].join(', ')
      stream.write(stream.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
    },
    end() {
      if (stream.isTTY && isDrawn) stream.write('\r\u001b[K')
    },
  }
}

/**
 * Returns the percentage done and the estimated time left as texts, as far as they are known.
 * @param perMs amount of bytes or architectures per millisecond so far
 */
function remainingAmount(done: number, total: number | undefined, perMs: number): string[] {
  if (total === undefined) return []
  const percentage = `${Math.floor((100 * done) / total)} %`
  return perMs > 0 ? [percentage, `ETA ${formatDuration((total - done) / perMs / 1000)}`] : [percentage]
}

/**
 * Returns a function that returns true at most once every `ms` milliseconds, to limit how often progress is printed.
 * @param lastMs the first `ms` milliseconds count from this time, given as by `Date.now()`; 0: the first call returns
 * true
 */
function throttle(ms: number, lastMs: number): () => boolean {
  let last = lastMs
  return () => {
    const now = Date.now()
    if (now - last < ms) return false
    last = now
    return true
  }
}

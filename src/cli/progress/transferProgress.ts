/** How a long transfer or import is shown: one line that is drawn over on a terminal, a line now and then elsewhere. */
import { pluralize } from '../../core/plainText.ts'
import { formatDuration } from './duration.ts'

const MS_BETWEEN_LINES = 3000
const MS_BETWEEN_DRAWS = 120

export interface AmountProgress {
  show(done: number, total: number | undefined): void
  /** Leaves the terminal as it was. */
  end(): void
}

/** Of bytes. */
export const transferProgress = (stream: NodeJS.WriteStream): AmountProgress => amountProgress(stream, megabytes)

/** Of architectures. */
export const importProgress = (stream: NodeJS.WriteStream): AmountProgress => amountProgress(stream, architectures)

const megabytes = (done: number, total?: number): string =>
  total === undefined ? `${(done / 1e6).toFixed(1)} MB` : `${(done / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`

const architectures = (done: number, total?: number): string =>
  total === undefined ? `${pluralize(done, 'architecture')}` : `${done} of ${pluralize(total, 'architecture')}`

function amountProgress(stream: NodeJS.WriteStream, amount: (done: number, total?: number) => string): AmountProgress {
  const began = Date.now()
  let first: number | undefined
  let last = began
  let drawn = false
  return {
    show(done, total) {
      first ??= done
      const now = Date.now()
      if (now - last < (stream.isTTY ? MS_BETWEEN_DRAWS : MS_BETWEEN_LINES)) return
      last = now
      drawn = true
      const rate = (done - first) / Math.max(1, now - began)
      const line = [amount(done, total), ...remaining(done, total, rate)].join(', ')
      stream.write(stream.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
    },
    end() {
      if (stream.isTTY && drawn) stream.write('\r\u001b[K')
    },
  }
}

/** @param rate a millisecond */
function remaining(done: number, total: number | undefined, rate: number): string[] {
  if (total === undefined) return []
  const share = `${Math.floor((100 * done) / total)} %`
  return rate > 0 ? [share, `ETA ${formatDuration((total - done) / rate / 1000)}`] : [share]
}

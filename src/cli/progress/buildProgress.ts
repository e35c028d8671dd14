/** How the building of a table is shown: a bar on a terminal, a line now and then elsewhere. */

import type { WriteStream } from 'node:tty'
import { pluralize } from '../../core/plainText.ts'
import type { BuildProgress } from '../../tablebuild/buildTable.ts'
import { paintFor } from '../colours.ts'
import { formatDuration } from './duration.ts'

const MS_BETWEEN_DRAWINGS = 200
const MS_BETWEEN_LINES = 10_000
const BAR_WIDTH = 24

/** Shows what it is told, and leaves the terminal as it was when it is told that all is done. */
export function showBuild(stream: WriteStream): (progress: BuildProgress) => void {
  const paint = paintFor(stream)
  const begun = Date.now()
  let lastMs = 0
  return (progress) => {
    const { total, before, done } = progress
    const over = before + done === total
    const now = Date.now()
    if (!over && now - lastMs < (stream.isTTY ? MS_BETWEEN_DRAWINGS : MS_BETWEEN_LINES)) return
    lastMs = now
    const text =
      `${before + done} of ${pluralize(total, 'training')}  ${remaining(progress, (now - begun) / 1000)}`.trimEnd()
    if (!stream.isTTY) stream.write(`${text}\n`)
    else if (over) stream.write('\r\u001b[0K')
    else stream.write(`\r\u001b[0K${bar((before + done) / total, paint)}  ${text}`)
  }
}

function bar(share: number, paint: ReturnType<typeof paintFor>): string {
  const full = Math.round(BAR_WIDTH * share)
  return paint('━'.repeat(full), 'cyan') + paint('─'.repeat(BAR_WIDTH - full), 'dim')
}

/** What the rest will take if it goes on as in this build. */
function remaining({ total, before, done }: BuildProgress, seconds: number): string {
  if (done === 0 || before + done === total) return ''
  const each = seconds / done
  return `${each.toPrecision(2)} s each  ETA ${formatDuration(each * (total - before - done))}`
}

/** What shows how running searches are getting on. */
import type { WriteStream } from 'node:tty'
import type { RunEvent } from '../../runner/run/messages.ts'

export interface Progress {
  event(event: RunEvent): void
  /** Leaves the terminal as it was. */
  end(): void
}

/** Without a trace. */
export const silence: Progress = { event: () => {}, end: () => {} }

/** What progress is written to. */
export type ProgressStream = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>

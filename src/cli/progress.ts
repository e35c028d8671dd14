/** How running searches are shown: a bar a seed on a terminal, a line now and then elsewhere. */
import type { WriteStream } from 'node:tty'
import type { RunEvent } from '../runner/events.ts'
import { ProgressBars } from './progressBars.ts'
import { ProgressLines } from './progressLines.ts'

export interface Progress {
  event(event: RunEvent): void
  /** Leaves the terminal as it was. */
  end(): void
}

/** Without a trace. */
export const silence: Progress = { event: () => {}, end: () => {} }

/** What progress is written to. */
export type ProgressStream = Pick<WriteStream, 'write' | 'isTTY' | 'columns'>

/** @param label name of a run for people, by its id */
export function showProgress(stream: ProgressStream, label: (id: string) => string): Progress {
  return stream.isTTY ? new ProgressBars(stream, label) : new ProgressLines(stream, label)
}

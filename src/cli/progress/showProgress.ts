/** How running searches are shown: a bar a seed on a terminal, a line now and then elsewhere. */
import type { Progress, ProgressStream } from './progress.ts'
import { ProgressBars } from './progressBars.ts'
import { ProgressLines } from './progressLines.ts'

/** @param label name of a run for people, by its id */
export function showProgress(stream: ProgressStream, label: (id: string) => string): Progress {
  return stream.isTTY ? new ProgressBars(stream, label) : new ProgressLines(stream, label)
}

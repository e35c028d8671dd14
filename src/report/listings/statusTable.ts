/** The state of runs as a table. */
import type { RunStatus } from '../../runner/store/status.ts'
import { count, type Tabular, titled, word } from '../formats/tabular.ts'

export function statusTable(runs: readonly RunStatus[]): Tabular {
  const states = [...new Set(runs.map(({ state }) => state))]
  const counted = (state: string) => runs.filter((run) => run.state === state).length
  return {
    columns: titled(['algorithm', 'dataset', 'seed', 'protocol', 'state', 'epochs', 'run', 'note']),
    rows: runs.map(({ id, job, state, epochs, failure = '' }) => [
      word(job.algorithm.name),
      word(job.dataset.name),
      count(job.seed),
      word(job.protocol.name),
      word(state),
      count(epochs),
      word(id),
      word(failure.split('\n')[0]),
    ]),
    notes: [`${runs.length} runs${states.map((state) => `, ${counted(state)} ${state}`).join('')}`],
  }
}

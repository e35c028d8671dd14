/** The state of runs as a table. */
import type { RunStatus } from '../../runner/store/status.ts'
import type { Cell, Tabular } from '../formats/tabular.ts'

export function statusTable(runs: readonly RunStatus[]): Tabular {
  const states = [...new Set(runs.map(({ state }) => state))]
  const count = (state: string) => runs.filter((run) => run.state === state).length
  return {
    columns: ['algorithm', 'dataset', 'seed', 'protocol', 'state', 'epochs', 'run', 'note'].map((key) => ({
      title: key[0].toUpperCase() + key.slice(1),
      key,
    })),
    rows: runs.map(({ id, job, state, epochs, failure = '' }) => [
      word(job.algorithm.name),
      word(job.dataset.name),
      { kind: 'number', value: job.seed, digits: 0 },
      word(job.protocol.name),
      word(state),
      { kind: 'number', value: epochs, digits: 0 },
      word(id),
      word(failure.split('\n')[0]),
    ]),
    notes: [`${runs.length} runs${states.map((state) => `, ${count(state)} ${state}`).join('')}`],
  }
}

const word = (text: string): Cell => ({ kind: 'text', text })

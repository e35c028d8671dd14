/** The table of runs and their states that `bench status` prints. */
import { firstLine, pluralize } from '../../core/plainText.ts'
import type { RunStatus, TrainingStatus } from '../../runner/status.ts'
import { absent, type Cell, count, type Tabular, titled, word } from '../formats/tabular.ts'
import { distinguishingSettings } from './distinguishingSettings.ts'

/**
 * Returns the table of `bench status`: each run with its state and progress.
 * @param references names of the algorithms that answer with a given architecture and do not search
 */
export function statusTable(runs: readonly RunStatus[], references: ReadonlySet<string> = new Set()): Tabular {
  const states = [...new Set(runs.map(({ state }) => state))]
  const inState = (state: string) => runs.filter((run) => run.state === state).length
  const isTrained = runs.some(({ training }) => training !== undefined)
  const isSearched = ({ job, training }: RunStatus) => training === undefined || !references.has(job.algorithm.name)
  const settings = distinguishingSettings(runs, (run) => [
    isSearched(run) ? run.job.protocol.name : null,
    run.training?.preset ?? null,
  ])
  return {
    columns: titled([
      'algorithm',
      ...(settings.size > 0 ? ['options'] : []),
      ...['dataset', 'seed', 'protocol', 'state', 'epochs'],
      ...(isTrained ? ['training'] : []),
      ...['run', 'note'],
    ]),
    rows: runs.map((run): Cell[] => {
      const { id, job, state, epochs, training, failure = '' } = run
      return [
        word(job.algorithm.name),
        ...(settings.size > 0 ? [word(settings.get(id) || undefined)] : []),
        word(job.dataset.name),
        count(job.seed),
        isSearched(run) ? word(job.protocol.name) : absent,
        word(state),
        isSearched(run) ? count(epochs) : absent,
        ...(isTrained ? [word(training && trainingText(training))] : []),
        word(id),
        word(firstLine(failure)),
      ]
    }),
    notes: [
      [pluralize(runs.length, 'run'), ...states.map((state) => `${inState(state)} ${state}`)].join(', '),
      ...(isTrained
        ? ['Protocol and epochs are those of the search; — where the architecture was given and nothing is searched.']
        : []),
    ],
  }
}

/**
 * Returns the progress of a run's full trainings as text: the preset, the epochs of the current training (`trial, 2 of
 * 20 epochs`), and the number of finished trainings if there are several.
 */
function trainingText({ preset, epochs, trainings, finished, underWay }: TrainingStatus): string {
  const done = finished === trainings ? epochs : underWay
  const several = trainings === 1 ? '' : `, ${finished} of ${pluralize(trainings, 'training')}`
  return finished < trainings && trainings > 1 && underWay === 0
    ? `${preset}${several}`
    : `${preset}${several}, ${done} of ${pluralize(epochs, 'epoch')}`
}

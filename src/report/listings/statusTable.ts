/** The table of runs and their states that `bench status` prints. */
import { firstLine, pluralize } from '../../core/plainText.ts'
import type { Job } from '../../core/result.ts'
import type { RunStatus, TrainingStatus } from '../../runner/status.ts'
import { groupBy } from '../../system/groupBy.ts'
import { canonicalJson } from '../../system/json.ts'
import { absent, type Cell, count, type Tabular, titled, word } from '../formats/tabular.ts'

/**
 * Returns the table of `bench status`: each run with its state and progress.
 * @param references names of the algorithms that answer with a given architecture and do not search
 */
export function statusTable(runs: readonly RunStatus[], references: ReadonlySet<string> = new Set()): Tabular {
  const states = [...new Set(runs.map(({ state }) => state))]
  const inState = (state: string) => runs.filter((run) => run.state === state).length
  const isTrained = runs.some(({ training }) => training !== undefined)
  const settings = variantSettings(runs)
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
      const isSearched = training === undefined || !references.has(job.algorithm.name)
      return [
        word(job.algorithm.name),
        ...(settings.size > 0 ? [word(settings.get(id) || undefined)] : []),
        word(job.dataset.name),
        count(job.seed),
        isSearched ? word(job.protocol.name) : absent,
        word(state),
        isSearched ? count(epochs) : absent,
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

/** Largest number of characters of one option's value that are shown. */
const LONGEST_VALUE = 40

/**
 * Returns for each run of an algorithm with several variants the settings in which they differ, by the run's id: its
 * options and its budget, such as `progressive=true`. The result is empty if no algorithm has several variants.
 */
export function variantSettings(runs: readonly Pick<RunStatus, 'id' | 'job'>[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const own of groupBy(runs, ({ job }) => job.algorithm.name).values()) {
    const variants = groupBy(own, ({ job }) => canonicalJson(settingsOf(job)))
    if (variants.size === 1) continue
    const all = [...variants.values()].map(([{ job }]) => settingsOf(job))
    const keys = [...new Set(all.flatMap((each) => Object.keys(each)))].filter(
      (key) => new Set(all.map((each) => canonicalJson([each[key] ?? null]))).size > 1,
    )
    for (const [i, alike] of [...variants.values()].entries()) {
      const text = keys
        .filter((key) => all[i][key] !== undefined)
        .map((key) => `${key}=${shortened(all[i][key])}`)
        .join(', ')
      for (const { id } of alike) found.set(id, text)
    }
  }
  return found
}

const settingsOf = ({ algorithm, budgetSeconds }: Job): Readonly<Record<string, unknown>> => ({
  ...algorithm.options,
  ...(budgetSeconds !== undefined && { budget: budgetSeconds }),
})

function shortened(value: unknown): string {
  const text = typeof value === 'string' || Array.isArray(value) ? String(value) : JSON.stringify(value)
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
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

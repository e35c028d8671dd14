/** Makes the table for `bench table --epochs`: one row for each recorded epoch of the runs. */
import { BenchError } from '../../core/errors.ts'
import { formatQualifier } from '../../core/metric.ts'
import type { EpochRecord } from '../../core/result.ts'
import { type Cell, column, count, number, type Tabular, titled, word } from '../formats/tabular.ts'
import { methodLabels } from '../methods.ts'
import type { RunRecord } from '../runRecord.ts'

/** Number of digits after the decimal point of losses and accuracies in text, Markdown and LaTeX. */
const DIGITS = 4

/**
 * Columns that say what an epoch belongs to. The run's name, its architecture and what most stores have once only are
 * left out first of a narrow terminal.
 */
const KEYS = [
  column('run', 'Run', 9),
  column('method', 'Method'),
  column('space', 'Space', 7),
  column('dataset', 'Dataset', 6),
  column('protocol', 'Protocol', 8),
  column('seed', 'Seed'),
  column('epoch', 'Epoch'),
  column('architecture', 'Architecture', 10),
]

/**
 * Columns of the epochs table that every search can have: the column's name, and the function that reads its value from
 * an epoch's record.
 */
const NUMBERS: readonly (readonly [key: string, value: (epoch: Partial<EpochRecord>) => number | undefined])[] = [
  ['train loss', ({ trainLoss }) => trainLoss],
  ['train accuracy', ({ trainAccuracyPct }) => trainAccuracyPct],
  ['valid loss', ({ validLoss }) => validLoss],
  ['valid accuracy', ({ validAccuracyPct }) => validAccuracyPct],
  ['skip connections', (epoch) => measured(epoch, 'skip', 'skipConnections')],
  ['hessian eigenvalue', (epoch) => measured(epoch, 'hessian', 'dominantEigenvalue')],
  ['mean entropy', (epoch) => measured(epoch, 'alpha', 'meanEntropy')],
  ['seconds', ({ seconds }) => seconds],
]

function measured({ probes }: Partial<EpochRecord>, probe: string, quantity: string): number | undefined {
  const value = (probes?.[probe] as Readonly<Record<string, unknown>> | undefined)?.[quantity]
  return typeof value === 'number' ? value : undefined
}

/**
 * Returns a table with a row for each recorded epoch: the run, losses, accuracies, probe measurements, other values
 * that the algorithm logs, and the looked-up metrics of the current architecture. Epochs count from 1, as in figures;
 * in records they count from 0. Empty columns are left out.
 * @throws BenchError `missing` if the runs have no epochs
 */
export function epochsTable(runs: readonly RunRecord[]): Tabular {
  const entries = runs.flatMap((run) => run.epochs.map((epoch) => ({ run, epoch: epoch as EpochRecord })))
  if (entries.length === 0) throw new BenchError('missing', 'these runs have recorded no epoch yet')
  const labels = methodLabels(runs)
  const extras = [...new Set(entries.flatMap(({ epoch }) => Object.keys(epoch.extra ?? {})))]
  const looked = entries.map(
    ({ epoch }) => new Map(epoch.metrics.map((each) => [formatQualifier(each), each.accuracyPct])),
  )
  const qualifiers = [...new Set(looked.flatMap((metrics) => [...metrics.keys()]))]
  const own = NUMBERS.filter(([, value]) => entries.some(({ epoch }) => value(epoch) !== undefined))
  const measures = titled([...own.map(([key]) => key), ...extras, ...qualifiers])
  return {
    columns: [...KEYS, ...measures.map((measure) => ({ ...measure, optional: 1 }))],
    rows: entries.map(({ run, epoch }, i): readonly Cell[] => [
      ...[run.manifest.id, labels.get(run), run.manifest.job.space, run.manifest.job.dataset.name].map(word),
      ...[word(run.manifest.job.protocol.name), count(run.manifest.job.seed)],
      ...[count(epoch.epoch + 1), word(epoch.genotype)],
      ...own.map(([, value]) => number(value(epoch), DIGITS)),
      ...extras.map((name) => number(epoch.extra?.[name], DIGITS)),
      ...qualifiers.map((qualifier) => number(looked[i].get(qualifier), 2)),
    ]),
    notes: [],
  }
}
